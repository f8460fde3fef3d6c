schema_queries = \
	schema/query/access.sql \
	schema/query/access_token.sql \
	schema/query/account.sql \
	schema/query/backlog.sql \
	schema/query/blob.sql \
	schema/query/catalog.sql \
	schema/query/connections.sql \
	schema/query/event.sql \
	schema/query/gc.sql \
	schema/query/gc_review.sql \
	schema/query/login_delay.sql \
	schema/query/manifest.sql \
	schema/query/object.sql \
	schema/query/referrer.sql \
	schema/query/repository.sql \
	schema/query/search.sql \
	schema/query/setting.sql \
	schema/query/tag.sql \
	schema/query/token_key.sql \
	schema/query/upload.sql
schema_migrations = \
	schema/migrate/0001_initial.sql \
	schema/migrate/0002_events.sql \
	schema/migrate/0003_search.sql \
	schema/migrate/0004_attached_tags.sql \
	schema/migrate/0005_listed_repositories.sql \
	schema/migrate/0006_tag_history.sql \
	schema/migrate/0007_freed_bytes.sql
EXTRA_DIST += $(schema_queries) $(schema_migrations)
