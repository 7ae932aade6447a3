-- What a node knows a command by (commands.rs): numbers come again after a restore, these do not.
ALTER TABLE command ADD COLUMN ticket INTEGER;
UPDATE command SET ticket = 1 + abs(random() % 9007199254740991);
CREATE UNIQUE INDEX command_ticket ON command (client, node, ticket);
