-- The history of all tags of a repository, the newest first.

ALTER TABLE tag_history ADD KEY tag_history_happened (repository_id, happened);
