-- Further away than the longest delay, and what clocks of nodes may differ, is
-- the time of a clock that was put back since.
-- name: login_delay_get
-- roles: garant
SELECT GREATEST(TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), blocked_until), 0)
FROM login_delay
WHERE subject = ? AND blocked_until < UTC_TIMESTAMP(6) + INTERVAL 1 MINUTE;

-- Assignments run from left to right, so blocked_until sees the new count:
-- three failures are free, then 1, 2, 4, 8, 16 and at most 30 seconds.
-- name: login_delay_fail
-- roles: garant
INSERT INTO login_delay (subject, failures, blocked_until, touched)
VALUES (?, 1, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE
    failures = IF(touched < UTC_TIMESTAMP(6) - INTERVAL 15 MINUTE, 1,
        failures + 1),
    blocked_until = UTC_TIMESTAMP(6) + INTERVAL
        IF(failures <= 3, 0, LEAST(POW(2, LEAST(failures, 20) - 4), 30)) SECOND,
    touched = VALUES(touched);

-- name: login_delay_clear
-- roles: garant
DELETE FROM login_delay WHERE subject = ?;

-- name: login_delay_purge
-- roles: garant
DELETE FROM login_delay
WHERE touched < UTC_TIMESTAMP(6) - INTERVAL 1 HOUR LIMIT 1000;
