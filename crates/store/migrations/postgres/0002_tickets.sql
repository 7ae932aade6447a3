-- What a node knows a command by (commands.rs): numbers come again after a restore, these do not.
ALTER TABLE command ADD COLUMN ticket bigint;
UPDATE command SET ticket = 1 + floor(random() * 9007199254740991)::bigint;
CREATE UNIQUE INDEX command_ticket ON command (client, node, ticket);
