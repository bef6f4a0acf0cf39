-- Queues, what they are subscribed to, and their cursors. docs/decisions/windows.md argues the arithmetic.

create table opinionated_events.queue (
  name text collate "C" primary key,
  created_at timestamptz not null default clock_timestamp()
);

create table opinionated_events.subscription (
  queue text collate "C" not null references opinionated_events.queue,
  -- A name, 'prefix.*' or '*'.
  pattern text collate "C" not null,
  -- The topic that is read for it; '*' for all.
  topic text collate "C" not null,
  created_at timestamptz not null default clock_timestamp(),
  primary key (queue, topic, pattern)
);

-- The cursor of (queue, topic) is its row with the greatest seq. Rows are only inserted, and trimmed from
-- below: a cursor updated in place drags its dead versions along as long as any old snapshot is open.
-- The row of topic '*' is where topics that appear later begin.
create table opinionated_events.batch (
  queue text collate "C" not null,
  topic text collate "C" not null,
  seq bigint not null,
  -- The window: rows of the transactions in late, and rows with xid >= lo_mark and lo_head < position <= head,
  -- as far as they are visible in vis.
  late xid8[] not null,
  lo_mark xid8 not null,
  lo_head bigint not null,
  vis pg_snapshot not null,
  -- Where the next window begins: this one's snapshot, head and mark.
  cur pg_snapshot not null,
  head bigint not null,
  mark xid8 not null,
  -- Rows at or below it were written in an earlier cluster, whose xids mean nothing here.
  base bigint not null,
  -- The batch: the window's rows with lo < position <= hi.
  lo bigint not null,
  hi bigint not null,
  -- The window has no rows beyond this batch.
  last boolean not null,
  -- No lease below this seq is open.
  oldest bigint not null,
  primary key (queue, topic, seq)
);

create table opinionated_events.queue_topic (
  queue text collate "C" not null,
  topic text collate "C" not null,
  met_at timestamptz not null default clock_timestamp(),
  primary key (queue, topic)
);

-- One row a restore into another cluster.
create table opinionated_events.epoch (
  base bigint primary key,
  snap pg_snapshot not null,
  mark xid8 not null
);

-- The cluster whose xids the log holds.
create table opinionated_events.cluster (
  system_identifier bigint not null
);
insert into opinionated_events.cluster select system_identifier from pg_control_system();

-- Raises unless the transaction is READ COMMITTED and has no xid yet. With an xid of its own, a window's mark
-- would be older than its head, and what commits in between is lost; under REPEATABLE READ a trimmed row
-- looks newest, and its batch is delivered twice.
create function opinionated_events.require_own_transaction(what text) returns void language plpgsql as $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception '% needs READ COMMITTED, not %', what, upper(current_setting('transaction_isolation'))
      using errcode = 'invalid_transaction_state',
            hint = 'Set default_transaction_isolation to ''read committed'' for this connection.';
  end if;
  if pg_current_xact_id_if_assigned() is not null then
    raise exception '% needs a transaction of its own', what using errcode = 'invalid_transaction_state';
  end if;
end $$;

create function opinionated_events.is_match(name text, patterns text[]) returns boolean
language sql immutable parallel safe as $$
  select name = any (patterns) or '*' = any (patterns)
    or exists (select from unnest(patterns) p where right(p, 2) = '.*' and starts_with(name, left(p, -1)))
$$;

-- A cursor row whose window is everything above low that is visible in snap; what follows is what was not. Snapshot and
-- head (top) were taken before, in this order; the mark is assigned here. Beginning before the last restore, it first reads
-- the old cluster's rows, in a window that sees all of them.
create function opinionated_events.window_from(
  queue_name text, topic_name text, low bigint, snap pg_snapshot, top bigint
) returns opinionated_events.batch language plpgsql volatile as $$
declare
  b opinionated_events.batch;
  e opinionated_events.epoch;
begin
  select * into e from opinionated_events.epoch x order by x.base desc limit 1;
  b := (queue_name, topic_name, 0, '{}', '0', low, snap, snap, top, pg_current_xact_id(),
    coalesce(e.base, 0), low, low, low >= top, 1);
  if e.base > low then
    b.vis := '9223372036854775806:9223372036854775806:';
    b.cur := e.snap; b.head := e.base; b.mark := e.mark; b.last := false;
  end if;
  return b;
end $$;

-- The first cursor row of a queue on a topic. A queue that reads every topic goes on from its '*' row.
create function opinionated_events.first_batch(
  queue_name text, topic_name text, low bigint, snap pg_snapshot, top bigint
) returns opinionated_events.batch language plpgsql volatile as $$
declare
  b opinionated_events.batch;
begin
  select * into b from opinionated_events.batch x where x.queue = queue_name and x.topic = '*'
    order by x.queue desc, x.topic desc, x.seq desc limit 1;
  if found then
    b.topic := topic_name; b.seq := 0; b.oldest := 1;
    return b;
  end if;
  return opinionated_events.window_from(queue_name, topic_name, low, snap, top);
end $$;

-- The position before the first of what was published from a time on, as far as it is visible; null if there is nothing.
-- By time alone (the sum keeps the planner from walking up to it in order of position).
create function opinionated_events.before_time(topic_name text, at timestamptz) returns bigint language plpgsql volatile
set enable_seqscan = off set enable_indexscan = off set jit = off as $$
begin
  return (
    select min(m.position + 0) - 1 from opinionated_events.message m
    where m.published_at >= at and (m.topic = topic_name or topic_name = '*'));
end $$;

-- The position above which a queue is to read: from a position on if one is given, else from a time on, where 'infinity' is
-- now (top) and '-infinity' all. To be called after the snapshot of the window: what this one does not see, that did not.
create function opinionated_events.low_of(
  topic_name text, start_at timestamptz, start_position bigint, top bigint
) returns bigint language plpgsql volatile as $$
begin
  return greatest(0, least(top, case
    when start_position is not null then start_position - 1
    when start_at = 'infinity' then top
    when start_at = '-infinity' then 0
    else coalesce(opinionated_events.before_time(topic_name, start_at), top) end));
end $$;

-- start_at: 'infinity' is now (every transaction that commits after the call has returned, and none that
-- committed before its snapshot); '-infinity' is all that the log holds; a time is what was published from
-- then on, then everything not visible yet; so is a start_position, which comes first. A queue that reads the topic already
-- stays where it is.
create function opinionated_events.subscribe(
  queue_name text, pattern text, topic_name text, start_at timestamptz default 'infinity', start_position bigint default null
) returns void language plpgsql volatile as $$
declare
  snap pg_snapshot;
  top bigint;
  low bigint;
begin
  perform opinionated_events.require_own_transaction('subscribe');
  -- Against a rebase in between, in the order in which that locks; takes no xid.
  lock table opinionated_events.batch in row exclusive mode;
  snap := pg_current_snapshot();
  top := opinionated_events.head();
  insert into opinionated_events.queue (name) values (queue_name) on conflict do nothing;
  insert into opinionated_events.subscription (queue, pattern, topic)
    values (queue_name, pattern, topic_name) on conflict do nothing;
  insert into opinionated_events.queue_topic (queue, topic)
    values (queue_name, topic_name) on conflict do nothing;
  if exists (select from opinionated_events.batch b where b.queue = queue_name and b.topic = topic_name) then return; end if;
  low := opinionated_events.low_of(topic_name, start_at, start_position, top);
  insert into opinionated_events.batch
    select (opinionated_events.first_batch(queue_name, topic_name, low, snap, top)).*
    on conflict do nothing;
  perform opinionated_events.remember_beginning(queue_name, topic_name, low, snap);
end $$;

-- Gives each queue that reads every topic a cursor for the topics that it has not met yet. Such a cursor
-- begins where the queue's '*' row stands; the arithmetic of windows does not mind how old that is. Dead letters of queues
-- are not among them: who wants these subscribes to their topic.
--
-- The topics of one segment after the other, since each step of a walk through those of all would look into eight; then one insert,
-- in order of topic, as two that meet the same topics must. A merge join would compare each topic with each, by their queue.
create function opinionated_events.discover(queues text[]) returns void language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_mergejoin = off set jit = off
set plan_cache_mode = force_generic_plan as $$
declare
  topics text[] := '{}';
begin
  if queues = '{}' then return; end if;
  lock table opinionated_events.batch in row exclusive mode; -- in the order in which a rebase locks
  for k in 0..7 loop
    topics := topics || array(
      with recursive topic(name) as (
        (select m.topic from opinionated_events.message m where m.segment = k order by m.topic limit 1)
        union all
        select (select m.topic from opinionated_events.message m where m.segment = k and m.topic > t.name order by m.topic limit 1)
        from topic t where t.name is not null
      )
      select t.name from topic t where t.name is not null);
  end loop;
  with met as (
    insert into opinionated_events.queue_topic (queue, topic)
    select q.queue, t.name
    from (select distinct x.name collate "C" from unnest(topics) x (name) where x.name <> 'dead_letter') t (name)
    cross join opinionated_events.queue_topic q
    where q.queue = any (queues) and q.topic = '*'
      and not exists (select from opinionated_events.queue_topic x where x.queue = q.queue and x.topic = t.name)
    order by t.name, q.queue
    on conflict do nothing
    returning queue, topic
  )
  insert into opinionated_events.batch
  select met.queue, met.topic, 0, b.late, b.lo_mark, b.lo_head, b.vis, b.cur, b.head, b.mark, b.base, b.lo, b.hi, b.last, 1
  from met cross join lateral (
    select * from opinionated_events.batch x where x.queue = met.queue and x.topic = '*'
    order by x.queue desc, x.topic desc, x.seq desc limit 1) b
  on conflict do nothing;
end $$;
