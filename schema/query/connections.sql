-- What the server grants to all, and to this user at once (0: as many).
-- name: connections_granted
-- roles: registry garant api
SELECT @@max_connections, @@max_user_connections;
