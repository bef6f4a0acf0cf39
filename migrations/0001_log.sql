-- The log: append-only, one row a message however many queues read it. Never updated.

-- The order of the log. It must stay "cache 1": a session that holds cached values would write
-- positions below a head that a reader has already passed.
create sequence opinionated_events.position as bigint cache 1;

create table opinionated_events.message (
  xid xid8 not null default pg_current_xact_id(),
  -- The argument of nextval assigns the transaction's xid, so the xid precedes the draw in every order in
  -- which an insert may evaluate its defaults. A window opened between a draw and its xid would skip the row.
  position bigint not null default nextval(
    case when pg_current_xact_id() > '0'::xid8 then 'opinionated_events.position'::regclass end),
  published_at timestamptz not null default clock_timestamp(),
  deliver_at timestamptz,
  id uuid not null,
  topic text collate "C" not null,
  name text collate "C" not null,
  key text,
  -- json, not jsonb: kept to the letter, and cheaper to write.
  payload json not null,
  headers json
);

-- New rows of a window are read by position.
create index message_position on opinionated_events.message (topic, position);
-- Late rows are read by transaction, in slices of positions: a transaction may hold a million of them.
create index message_xid on opinionated_events.message (topic, xid, position);
-- A message that is published again under its id is stored once.
create unique index message_id on opinionated_events.message (id);

-- The last position drawn, 0 before the first draw. A function, so that no caller forgets is_called.
create function opinionated_events.head() returns bigint language plpgsql volatile as $$
begin
  return (select case when is_called then last_value else last_value - 1 end from opinionated_events.position);
end $$;

-- The advisory lock of a key. Taken before the draw and held to the end of the transaction, it makes the order of positions
-- that of commits, key by key. A bigint, because our other locks are pairs of ints, whose space is another one.
create function opinionated_events.key_lock(topic text, key text) returns bigint language sql immutable as $$
  select hashtextextended('opinionated_events.key:' || topic || ' ' || key, 0)
$$;
