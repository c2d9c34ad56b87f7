-- What an index gains with its first imported space; absent from one that holds none.

CREATE TABLE label (
    space VARCHAR NOT NULL,
    id INTEGER NOT NULL,
    text VARCHAR NOT NULL,
    norm FLOAT NOT NULL
);
COMMENT ON TABLE label IS 'The items of imported spaces, one row a vector; only in an index that holds such a space';
COMMENT ON COLUMN label.space IS 'which imported space, space.name';
COMMENT ON COLUMN label.id IS 'row of that space';
COMMENT ON COLUMN label.text IS 'its name, different from all others of the space';
COMMENT ON COLUMN label.norm IS 'Euclidean norm of its vector';

COMMENT ON COLUMN space.name IS 'embed, unembed, context.<layer>, neuron.gate, neuron.up, neuron.in, neuron.out, head.value, head.output, or as an imported one was named';
COMMENT ON COLUMN space.kind IS 'what its vectors are: embed, unembed, context, neuron, head or imported';
COMMENT ON COLUMN space.item IS 'what a row stands for: token, word, neuron, head or label; row i is id i there';

CREATE INDEX label_text ON label(text);
