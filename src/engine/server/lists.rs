//! The lists of the API.

use super::pieces::{self, Items, Listing, Piece, Place, Start, place, position, read_token};
use super::respond::{self, owner, refusal, written};
use super::routes::{self, List, Query, Route};
use super::{Answer, Replied, artifacts, found, runs, schedules, updates};
use crate::engine::view::shown::{Shown, View};
use crate::engine::view::{is_in, is_named, shown_summary, step_counts, step_owner, steps_from};
use crate::engine::{Engine, Run};
use crate::http::HttpResponse;

const PAGE_SIZE: usize = 20;
const LARGEST_PAGE: usize = 100;

/// The answer with a list, or with the first piece of a long one.
pub(super) fn answer(engine: &Engine, list: &List, url: &str, query: &Query) -> Replied {
    if let (List::Steps(id), Some(cursor)) = (list, query.get("cursor")) {
        return Ok(steps_at(find(engine, id)?, query, cursor)?.into());
    }
    Ok(pieces::first(url, listing(engine, list, query, Start::default())?))
}

/// The next piece of an answer, and the token of the piece after it; `None` if the run of the list was dropped.
pub fn rest(engine: &Engine, token: &str) -> Option<(String, Option<String>)> {
    let (url, start) = read_token(token)?;
    let (path, query) = url.split_once('?').unwrap_or((&url, ""));
    let Ok(Route::List(list)) = routes::find("GET", path) else { return None };
    let piece = listing(engine, &list, &Query::parse(query), start).ok()?.cut(Some(start));
    let next = piece.token(&url);
    Some((piece.text, next))
}

/// A list from one item on.
fn listing<'a>(
    engine: &'a Engine,
    list: &'a List,
    query: &'a Query,
    start: Start,
) -> Result<Listing<'a>, HttpResponse> {
    Ok(match list {
        List::Runs => page(engine, query, start)?,
        List::Steps(id) => {
            let run = find(engine, id)?;
            Listing::new(&step_owner(run), "steps", steps(run, query, start.place), || step_counts(run))
        }
        List::Logs(id) => logs(engine, find(engine, id)?, query.get("step_name"), start),
        List::StepLogs(id, step) => {
            let run = find(engine, id)?;
            if !run.steps.placed().any(|(at, _)| is_named(run, at, step)) {
                return Err(respond::not_found("step", step));
            }
            logs(engine, run, Some(step), start)
        }
        List::Signals(id) => {
            let run = find(engine, id)?;
            Listing::new(&owner(run), "signals", runs::pending_signals(run, start.place), View::default)
        }
        List::Updates(id) => updates::pending(find(engine, id)?, query, start),
        List::UpdateHistory(id) => updates::history(find(engine, id)?, query, start)?,
        List::Events(id) => {
            let run = find(engine, id)?;
            Listing::new(&owner(run), "events", runs::events(run, query, start)?, View::default)
        }
        List::Approvals => {
            let approvals = runs::approvals(engine, query, start.place);
            Listing::new(&View::default(), "approvals", approvals, View::default)
        }
        List::Artifacts => artifacts::list(engine, start),
        List::Schedules => schedules::list(engine, start.place),
    })
}

fn find<'a>(engine: &'a Engine, id: &str) -> Result<&'a Run, HttpResponse> {
    found(engine, id).map(|(_, run)| run)
}

/// One page of runs, newest first: `{workflows, total, page, page_size}`.
fn page<'a>(engine: &'a Engine, query: &'a Query, start: Start) -> Result<Listing<'a>, HttpResponse> {
    let (Some(page), Some(page_size)) = (query.count("page", 1, 1), query.count("page_size", PAGE_SIZE, 1))
    else {
        return Err(refusal(400, "QUERY_INVALID", "`page` and `page_size` are whole numbers from 1"));
    };
    let page_size = page_size.min(LARGEST_PAGE);
    let status = query.get("status");
    let chosen: Vec<&Run> = engine
        .runs()
        .into_iter()
        .rev()
        .filter(|run| status.is_none_or(|status| is_in(run, status)))
        .collect();
    let after = View::default().with("total", chosen.len()).with("page", page).with("page_size", page_size);
    let on_page = chosen.into_iter().skip((page - 1).saturating_mul(page_size)).take(page_size).enumerate();
    let items = on_page
        .skip(position(start.place))
        .map(|(at, run)| (place(at), Some(Shown::View(shown_summary(run)))));
    Ok(Listing::new(&View::default(), "workflows", Box::new(items), || after))
}

fn steps<'a>(run: &'a Run, query: &'a Query, from: Place) -> Items<'a> {
    let steps = steps_from(run, query.get("status"), position(from));
    Box::new(steps.map(|(at, step)| (place(at), step.map(Shown::View))))
}

/// One page of steps with the cursor of the next page, for clients that use a cursor.
fn steps_at(run: &Run, query: &Query, cursor: &str) -> Answer {
    let Ok(from) = cursor.parse::<usize>() else {
        return Err(refusal(400, "QUERY_INVALID", "`cursor` is the `next_cursor` of another answer, or 0"));
    };
    let steps = vec![(String::new(), steps(run, query, place(from)))];
    let some = Listing { lists: steps, end: Box::new(String::new) };
    let Piece { text, next } = some.cut(None);
    let mut counts = step_counts(run);
    if let Some(next) = next {
        counts = counts.with("next_cursor", next.place.0);
    }
    let Listing { lists, end } =
        Listing::new(&step_owner(run), "steps", Box::new(std::iter::empty()), || counts);
    let before: String = lists.into_iter().map(|(before, _)| before).collect();
    Ok(written(200, before + &text + &end()))
}

fn logs<'a>(engine: &'a Engine, run: &'a Run, only: Option<&'a str>, start: Start) -> Listing<'a> {
    let logs = engine.logs(run, only);
    let entries = logs.entries(start.place, pieces::ITEMS + 1);
    let items = entries.map(|(place, entry)| (place, entry.map(Shown::View)));
    Listing::new(&owner(run), "logs", Box::new(items), move || logs.dropped())
}
