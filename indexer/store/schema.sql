-- The catalog of an index: all metadata, none of the vectors. Every table and column is described
-- by a COMMENT, which docs/format.md is generated from.

CREATE TYPE side AS ENUM ('gate', 'up', 'in', 'out');

CREATE TABLE space (
    name VARCHAR PRIMARY KEY,
    kind VARCHAR NOT NULL,
    layer INTEGER,
    side VARCHAR,
    item VARCHAR NOT NULL,
    dtype VARCHAR NOT NULL,
    rows INTEGER NOT NULL,
    width INTEGER NOT NULL,
    measure VARCHAR NOT NULL,
    population VARCHAR NOT NULL,
    population_rows INTEGER NOT NULL,
    convention VARCHAR NOT NULL
);
COMMENT ON TABLE space IS 'One row a space: a named set of vectors of width d_model';
COMMENT ON COLUMN space.name IS 'embed, unembed, context.<layer>, neuron.gate, neuron.up, neuron.in, neuron.out, head.value, head.output';
COMMENT ON COLUMN space.kind IS 'what its vectors are: embed, unembed, context, neuron or head';
COMMENT ON COLUMN space.layer IS 'of a context space the number of blocks passed; else NULL';
COMMENT ON COLUMN space.side IS 'of gated neurons gate, up or out, of others in or out; of heads value or output; else NULL';
COMMENT ON COLUMN space.item IS 'what a row stands for: token, word, neuron or head; row i is id i there';
COMMENT ON COLUMN space.dtype IS 'how the rows are stored';
COMMENT ON COLUMN space.rows IS 'number of vectors';
COMMENT ON COLUMN space.width IS 'length of each vector, d_model';
COMMENT ON COLUMN space.measure IS 'the measure a query uses unless told otherwise';
COMMENT ON COLUMN space.population IS 'whose mean and covariance are stored beside the vectors';
COMMENT ON COLUMN space.population_rows IS 'how many rows that is';
COMMENT ON COLUMN space.convention IS 'what was folded into the rows; empty where nothing was';

CREATE TABLE token (
    id INTEGER NOT NULL,
    text VARCHAR NOT NULL,
    display VARCHAR NOT NULL,
    word_like BOOLEAN NOT NULL,
    special BOOLEAN NOT NULL,
    byte BOOLEAN NOT NULL,
    norm FLOAT NOT NULL
);
COMMENT ON TABLE token IS 'The whole vocabulary, one row a token';
COMMENT ON COLUMN token.id IS 'token id in the tokenizer; row of embed and unembed';
COMMENT ON COLUMN token.text IS 'what it says, a word boundary written as one leading space';
COMMENT ON COLUMN token.display IS 'the same with spaces visible and control characters escaped';
COMMENT ON COLUMN token.word_like IS 'one word boundary followed by letters only';
COMMENT ON COLUMN token.special IS 'a control token of the tokenizer';
COMMENT ON COLUMN token.byte IS 'stands for one byte of what no other token spells; another token may say the same';
COMMENT ON COLUMN token.norm IS 'Euclidean norm of its row of the embedding matrix';

CREATE TABLE word (
    id INTEGER NOT NULL,
    text VARCHAR NOT NULL,
    also VARCHAR[] NOT NULL,
    n_tokens INTEGER NOT NULL,
    token_ids INTEGER[] NOT NULL,
    zipf FLOAT NOT NULL,
    sink BOOLEAN[] NOT NULL
);
COMMENT ON TABLE word IS 'The words that were run through the model, by number of tokens, then frequency';
COMMENT ON COLUMN word.id IS 'row of every context space';
COMMENT ON COLUMN word.text IS 'as written, without a leading space';
COMMENT ON COLUMN word.also IS 'other spellings of which the tokenizer makes the same tokens; each of them finds this word';
COMMENT ON COLUMN word.n_tokens IS 'length of token_ids';
COMMENT ON COLUMN word.token_ids IS 'its tokens after the prefix, token.id';
COMMENT ON COLUMN word.zipf IS 'log10 of occurrences per thousand million words (wordfreq), 0 if unknown';
COMMENT ON COLUMN word.sink IS 'per context space in order: is its norm over 5 times the space''s median';

CREATE TABLE word_group (
    name VARCHAR NOT NULL,
    word VARCHAR NOT NULL
);
COMMENT ON TABLE word_group IS 'The project''s example groups of words';
COMMENT ON COLUMN word_group.name IS 'name of the group: size, dogs_small, colours, ...';
COMMENT ON COLUMN word_group.word IS 'a member, word.text';

CREATE TABLE neuron (
    id INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    layer INTEGER NOT NULL,
    expert INTEGER,
    unit INTEGER NOT NULL,
    norm_gate FLOAT,
    norm_up FLOAT,
    norm_in FLOAT,
    norm_out FLOAT NOT NULL,
    cosine_gate_up FLOAT,
    cosine_gate_out FLOAT,
    cosine_up_out FLOAT,
    cosine_in_out FLOAT,
    activation_mean FLOAT,
    activation_std FLOAT
);
COMMENT ON TABLE neuron IS 'One row a neuron: one unit of one layer''s MLP';
COMMENT ON COLUMN neuron.id IS 'row of every neuron space: neuron.gate, neuron.up, neuron.in and neuron.out';
COMMENT ON COLUMN neuron.name IS 'L<layer>N<unit>, or L<layer>E<expert>N<unit>';
COMMENT ON COLUMN neuron.layer IS 'block, from 0';
COMMENT ON COLUMN neuron.expert IS 'which of the block''s experts, from 0; NULL in a block without';
COMMENT ON COLUMN neuron.unit IS 'unit of that MLP or expert, from 0';
COMMENT ON COLUMN neuron.norm_gate IS 'Euclidean norm of the gate, the reading side of a gated MLP, under the index''s convention; NULL where the MLP is not gated';
COMMENT ON COLUMN neuron.norm_up IS 'the same of the second reading direction; NULL where not gated';
COMMENT ON COLUMN neuron.norm_in IS 'the same of the reading side of an MLP without a gate; NULL where gated';
COMMENT ON COLUMN neuron.norm_out IS 'the same of the writing side';
COMMENT ON COLUMN neuron.cosine_gate_up IS 'cosine between the two reading directions; NULL where not gated';
COMMENT ON COLUMN neuron.cosine_gate_out IS 'cosine between the gate and the writing side; NULL where not gated';
COMMENT ON COLUMN neuron.cosine_up_out IS 'cosine between up and the writing side; NULL where not gated';
COMMENT ON COLUMN neuron.cosine_in_out IS 'cosine between reading and writing side of an MLP without a gate; NULL where gated';

COMMENT ON COLUMN neuron.activation_mean IS 'mean of its activations at the indexed words'' last tokens; NULL where none were recorded';
COMMENT ON COLUMN neuron.activation_std IS 'their standard deviation, divided by n; NULL where none were recorded';

CREATE TABLE neuron_token (
    neuron INTEGER NOT NULL,
    side side NOT NULL,
    rank INTEGER NOT NULL,
    token INTEGER NOT NULL,
    score FLOAT NOT NULL
);
COMMENT ON TABLE neuron_token IS 'Per neuron and side, the 10 highest and 10 lowest word-like tokens';
COMMENT ON COLUMN neuron_token.neuron IS 'neuron.id';
COMMENT ON COLUMN neuron_token.side IS 'of a gated neuron gate, up or out, of another in or out';
COMMENT ON COLUMN neuron_token.rank IS '1 to 10 from the highest, -1 to -10 from the lowest';
COMMENT ON COLUMN neuron_token.token IS 'token.id';
COMMENT ON COLUMN neuron_token.score IS 'z of the token within the neuron, over word-like tokens of embed';

CREATE TABLE neuron_word (
    neuron INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    word INTEGER NOT NULL,
    activation FLOAT NOT NULL,
    z FLOAT NOT NULL
);
COMMENT ON TABLE neuron_word IS 'Per neuron, the 20 words at whose last token it fires most strongly; in a gated MLP at either end';
COMMENT ON COLUMN neuron_word.neuron IS 'neuron.id';
COMMENT ON COLUMN neuron_word.rank IS '1 to 20 from the highest activation; in a gated MLP -1 to -20 from the lowest';
COMMENT ON COLUMN neuron_word.word IS 'word.id';
COMMENT ON COLUMN neuron_word.activation IS 'what its column of the output matrix is multiplied by there; never exactly 0';
COMMENT ON COLUMN neuron_word.z IS 'standard deviations above the neuron''s mean over all indexed words';

CREATE TABLE word_neuron (
    word INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    neuron INTEGER NOT NULL,
    activation FLOAT NOT NULL,
    z FLOAT NOT NULL
);
COMMENT ON TABLE word_neuron IS 'Per word, the 64 neurons that fire most strongly at its last token, by z; in a gated MLP at either end';
COMMENT ON COLUMN word_neuron.word IS 'word.id';
COMMENT ON COLUMN word_neuron.rank IS '1 to 64 from the highest z; in a gated MLP -1 to -64 from the lowest';
COMMENT ON COLUMN word_neuron.neuron IS 'neuron.id';
COMMENT ON COLUMN word_neuron.activation IS 'what its column of the output matrix is multiplied by there; never exactly 0';
COMMENT ON COLUMN word_neuron.z IS 'standard deviations above the neuron''s mean over all indexed words';

CREATE TABLE head (
    id INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    layer INTEGER NOT NULL,
    head INTEGER NOT NULL,
    dimension INTEGER NOT NULL,
    norm_value FLOAT NOT NULL,
    norm_output FLOAT NOT NULL
);
COMMENT ON TABLE head IS 'One row a head dimension: what one dimension of an attention head reads and writes';
COMMENT ON COLUMN head.id IS 'row of head.value and head.output';
COMMENT ON COLUMN head.name IS 'L<layer>H<head>D<dimension>';
COMMENT ON COLUMN head.layer IS 'block, from 0';
COMMENT ON COLUMN head.head IS 'attention head of that block, from 0';
COMMENT ON COLUMN head.dimension IS 'dimension of that head, from 0';
COMMENT ON COLUMN head.norm_value IS 'Euclidean norm of its row of head.value; heads that share a key-value head share it';
COMMENT ON COLUMN head.norm_output IS 'Euclidean norm of its row of head.output';

CREATE TABLE build (
    created VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    revision VARCHAR NOT NULL,
    weights_sha256 VARCHAR NOT NULL,
    options VARCHAR NOT NULL,
    versions VARCHAR NOT NULL,
    seconds VARCHAR NOT NULL,
    total_seconds DOUBLE NOT NULL
);
COMMENT ON TABLE build IS 'One row a build of this index';
COMMENT ON COLUMN build.created IS 'when it was sealed, UTC, ISO 8601';
COMMENT ON COLUMN build.model IS 'what was asked for: hub id, folder or file';
COMMENT ON COLUMN build.revision IS 'commit of the hub, or version of the package; empty where unknown';
COMMENT ON COLUMN build.weights_sha256 IS 'SHA-256 over the names and contents of the weight files';
COMMENT ON COLUMN build.options IS 'JSON of the options in force';
COMMENT ON COLUMN build.versions IS 'JSON of the library versions';
COMMENT ON COLUMN build.seconds IS 'JSON of seconds per step, resumed steps counted in the run that did them';
COMMENT ON COLUMN build.total_seconds IS 'sum of seconds';
