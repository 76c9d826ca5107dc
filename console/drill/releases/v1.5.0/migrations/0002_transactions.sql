CREATE TABLE transactions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users (id),
    hash text NOT NULL UNIQUE,
    recipient text NOT NULL,
    value numeric(78, 0) NOT NULL CHECK (value >= 0),
    data bytea NOT NULL,
    gas_limit bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX transactions_created_at ON transactions (created_at);
