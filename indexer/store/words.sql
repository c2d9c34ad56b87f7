-- What the table of words is in an index of imported vectors.

COMMENT ON TABLE word IS 'The imported words, in the order of their file';
COMMENT ON COLUMN word.id IS 'row of the imported space';
COMMENT ON COLUMN word.text IS 'as the file has it';
COMMENT ON COLUMN word.also IS 'always empty';
COMMENT ON COLUMN word.n_tokens IS 'always 0: there is no tokenizer';
COMMENT ON COLUMN word.token_ids IS 'always empty';
COMMENT ON COLUMN word.sink IS 'always empty: there are no context spaces';
