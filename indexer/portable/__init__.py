"""Vectors in files that other programs know: one file a format, reading and writing together.

Knows files, labels and float32 rows; nothing of indexes. `formats` names them all.
"""
