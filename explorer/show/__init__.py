"""How what is plain data is shown: tables as text and pages, columns as frames, pictures drawn.

Takes layouts, shapes and columns; knows no question, no answer and no index.
"""
