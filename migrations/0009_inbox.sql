-- Transactional handlers: the messages whose handler's transaction has committed, until that is recorded where every other
-- outcome is. docs/decisions/transactional-handlers.md argues why each effect happens once.

create table opinionated_events.inbox (
  queue text collate "C" not null,
  position bigint not null,
  -- The batch that the message came in; null if it had a delivery.
  topic text collate "C",
  seq bigint,
  -- Who handles the same message at the same time waits here, and then can't commit.
  primary key (queue, position)
);
create index inbox_batch on opinionated_events.inbox (queue, topic, seq);

-- The last statement of a handler's transaction, right before its commit: acknowledges the message, by the token of its
-- batch (topic, seq) or, if those are null, of its delivery. The caller has set opinionated_events_tx.token to the token
-- when the transaction began, and for the transaction alone.
--
-- Raises OE001 if the handler ended the transaction itself, OE002 if another transaction has handled the message, and
-- OE003 if the lease is lost.
create function opinionated_events.acknowledge(queue text, topic text, seq bigint, "position" bigint, token bigint)
returns void language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
begin
  if current_setting('opinionated_events_tx.token', true) is distinct from token::text then
    raise exception 'the transaction was ended before its handler' using errcode = 'OE001';
  end if;
  insert into opinionated_events.inbox values (queue, position, topic, seq) on conflict do nothing;
  if not found then
    raise exception 'the message is handled already' using errcode = 'OE002';
  end if;
  -- In a statement of its own: whatever gave the message to somebody else before the row above was there is visible now.
  -- The lock lets renewals pass, and makes whoever wants to end the lease wait for the commit.
  if seq is null then
    perform from opinionated_events.delivery d
    where d.queue = acknowledge.queue and d.position = acknowledge.position and d.token = acknowledge.token for key share;
  else
    perform from opinionated_events.lease l
    where l.queue = acknowledge.queue and l.topic = acknowledge.topic and l.seq = acknowledge.seq
      and l.token = acknowledge.token and acknowledge.position <> all (l.done) for key share;
  end if;
  if not found then
    raise exception 'the lease is lost' using errcode = 'OE003';
  end if;
end $$;

-- A row of the inbox goes with what could still hand its message out, whichever way that ends. After the statement, so that
-- a commit which it had to wait for is seen.
create function opinionated_events.forget_delivery() returns trigger language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
begin
  delete from opinionated_events.inbox i using gone where i.queue = gone.queue and i.position = gone.position;
  return null;
end $$;
create trigger forget after delete on opinionated_events.delivery referencing old table as gone
  for each statement execute function opinionated_events.forget_delivery();

create function opinionated_events.forget_batch() returns trigger language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
begin
  delete from opinionated_events.inbox i using gone
  where i.queue = gone.queue and i.topic = gone.topic and i.seq = gone.seq
    -- One that has a delivery as well keeps it from being handled.
    and not exists (select from opinionated_events.delivery d where d.queue = i.queue and d.position = i.position);
  return null;
end $$;
create trigger forget after delete on opinionated_events.lease referencing old table as gone
  for each statement execute function opinionated_events.forget_batch();
