-- What an agent's message is made of, in order, of agents that tell: a JSON array, absent for others.
ALTER TABLE messages ADD COLUMN parts TEXT CHECK (parts IS NULL OR json_valid(parts));
