-- Whether an instance has used the event, or was started by it. One that nobody has used is given to others when its instance has ended.
ALTER TABLE event ADD COLUMN taken INTEGER NOT NULL DEFAULT 0;
