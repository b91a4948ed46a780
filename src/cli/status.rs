//! `evidence status`: the board of open changes, or what one change lacks, who may do it, and by which command.
//!
//! Every change is judged by the same `judge_at` as `verify` judges: what is shown is its verdict, told otherwise. It is no
//! gate. The page for people is in `standing`.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use serde_json::{Value, json};

use super::args::{MomentWord, StatusArgs};
use super::context::{Context, Head, now};
use super::fail::Fail;
use super::forges::forge;
use super::standing::{board_page, change_page};
use super::verify::{Advisor, Ground, judge_at, unseen};
use super::{print, print_json};
use crate::git::{Target, need_commit};
use crate::model::{ChangeId, Id, Oid, PrincipalId, Time, check_schema};
use crate::policy::{Moment, nearest};
use crate::prove::Complete;
use crate::trace::{
    Checkout, Planned, Progress, Standing, Unjudged, aliased, newest_commit, open_changes, planned, planned_at,
};
use crate::verify::Policies;

pub(super) fn run(context: &Context, args: &StatusArgs) -> Result<u8, Fail> {
    if args.watch {
        return watch(context, args);
    }
    let look = Look::at(context, args)?;
    if context.json {
        print_json(&look.json()?);
    } else {
        print(&look.page());
    }
    Ok(0)
}

/// What is shown.
pub(super) struct Look {
    pub(super) origin: String,
    pub(super) size: u64,
    pub(super) now: Time,
    pub(super) moment: Moment,
    pub(super) principal: Option<PrincipalId>,
    /// How many changes are open; `None` where one was asked for.
    pub(super) open: Option<usize>,
    /// Whether a limit left some out.
    pub(super) cut: bool,
    pub(super) changes: Vec<Standing>,
}

impl Look {
    fn at(context: &Context, args: &StatusArgs) -> Result<Self, Fail> {
        let named = args.name.as_deref().or(args.change.as_deref());
        if named.is_none() && args.commit.is_some() {
            return Err(Fail::usage("--commit is of one change, and none is named").hint("evidence status CHANGE"));
        }
        let mut desk = Desk::open(context, args)?;
        let principal = args.principal.as_deref().map(|text| desk.principal(text)).transpose()?;
        let mut look = Self {
            origin: desk.ground.origin.clone(),
            size: desk.ground.log.size(),
            now: now(),
            moment: desk.moment,
            principal,
            open: None,
            cut: false,
            changes: Vec::new(),
        };
        match named {
            Some(text) => {
                let standing = desk.one(text, args.commit.as_deref())?;
                look.changes.push(match &look.principal {
                    Some(principal) => standing.for_principal(principal),
                    None => standing,
                });
            }
            None => {
                let serials = open_changes(&desk.ground.log)?;
                if !serials.is_empty() {
                    desk.share()?;
                }
                look.fill(&desk, args, &serials)?;
            }
        }
        Ok(look)
    }

    /// Takes in the open changes, those planned last first; of those that await nobody whom it is for, none.
    fn fill(&mut self, desk: &Desk<'_>, args: &StatusArgs, serials: &[u64]) -> Result<(), Fail> {
        self.open = Some(serials.len());
        for serial in serials {
            let Some(planned) = planned_at(&desk.ground.log, *serial)? else { continue };
            if args.limit.is_some_and(|most| self.changes.len() >= most.get()) {
                self.cut = true;
                break;
            }
            let standing = desk.open_one(&planned)?;
            match &self.principal {
                None => self.changes.push(standing),
                Some(principal) => {
                    let theirs = standing.for_principal(principal);
                    self.changes.extend(Some(theirs).filter(Standing::awaits));
                }
            }
        }
        Ok(())
    }

    /// Returns the JSON, which its published schema accepts.
    fn json(&self) -> Result<Value, Fail> {
        let mut value = json!({"format": "evidence-status/v1", "origin": self.origin, "size": self.size, "now": self.now,
            "moment": self.moment.as_str(), "changes": self.changes});
        if let Some(principal) = &self.principal {
            value["for"] = json!(principal);
        }
        if let Some(open) = self.open {
            value["open"] = json!(open);
        }
        check_schema("status", &value).map_err(|(path, text)| {
            Fail::usage(format!("internal error: the status breaks its own schema at {path}: {text}"))
                .hint("without --json it is printed as it is; please report this")
        })?;
        Ok(value)
    }

    fn page(&self) -> String {
        match (self.open, &self.changes[..]) {
            (None, [standing]) => change_page(self, standing),
            _ => board_page(self),
        }
    }
}

/// What all changes of one look are judged by.
struct Desk<'a> {
    context: &'a Context,
    ground: Ground,
    advisor: Advisor,
    moment: Moment,
    /// The target branch that was named, by a flag or the environment: it is that of every change.
    named_target: bool,
    target: Option<Target>,
    commit: Option<Head>,
    /// The change that HEAD makes.
    of_head: Option<ChangeId>,
    branches: OnceCell<BTreeMap<ChangeId, Vec<String>>>,
}

/// The commit that a change is judged at.
struct Spot {
    head: Head,
    checkout: Checkout,
}

impl<'a> Desk<'a> {
    fn open(context: &'a Context, args: &StatusArgs) -> Result<Self, Fail> {
        let ledger = context.ledger()?;
        let trust = context.trust(args.target.as_deref())?;
        let target = context.target(args.target.as_deref())?;
        let (log, held) = context.read(&ledger, &trust)?;
        let ground =
            Ground { trust, log, origin: ledger.origin().to_owned(), admitted: unseen(&ledger), held, shared: None };
        let commit = context.head("HEAD").ok();
        let of_head = commit
            .as_ref()
            .and_then(|head| context.change(None, head, target.as_ref(), &ground.trust, Some(&ground.log)).ok());
        let moment = match args.at {
            MomentWord::Plan => Moment::Plan,
            MomentWord::Merge => Moment::Merge,
            MomentWord::Deploy => Moment::Deploy,
        };
        let advisor = unless_refused(Advisor::of(&ground.log, &ground.trust))?.unwrap_or_default();
        let named_target = args.target.is_some() || forge().target().is_some();
        let branches = OnceCell::new();
        Ok(Self { context, ground, advisor, moment, named_target, target, commit, of_head, branches })
    }

    /// Reads once what all changes rest on. What refuses that is told of each of them.
    fn share(&mut self) -> Result<(), Fail> {
        let read = || -> Result<(Complete<()>, Policies), Fail> {
            let shared = Complete::check_shared(&self.ground.log, &self.ground.trust)?;
            let policies = Policies::read(&shared, &self.ground.log)?;
            Ok((shared, policies))
        };
        self.ground.shared = unless_refused(read())?;
        Ok(())
    }

    /// Returns the principal of that name, who must hold something: nothing awaits a misspelled one.
    fn principal(&self, text: &str) -> Result<PrincipalId, Fail> {
        let principal: PrincipalId = text.parse().map_err(|error| Fail::usage(format!("--for: {error}")))?;
        let known: BTreeSet<&PrincipalId> = self.advisor.principals();
        if known.contains(&principal) {
            return Ok(principal);
        }
        let fail = Fail::usage(format!("--for: nobody by the name {principal} holds a role"));
        Err(match nearest(text, known.iter().map(|name| name.as_str())) {
            Some(near) => fail.hint(format!("did you mean {near}?")),
            None => fail.hint("evidence key list"),
        })
    }

    /// Returns how a named change stands.
    fn one(&self, text: &str, commit: Option<&str>) -> Result<Standing, Fail> {
        let log = &self.ground.log;
        let wrong =
            |error| Fail::usage(format!("the change: {error}")).hint("an id is lower case, such as shop/abc-123");
        let mut change: ChangeId = text.parse().map_err(wrong)?;
        let mut first = planned(log, &change)?;
        if let (None, Some(other)) = (&first, aliased(log, &change)?) {
            first = planned(log, &other)?;
            change = other;
        }
        if first.is_none() && commit.is_none() && self.of_head.as_ref() != Some(&change) {
            return Err(self.unknown(&change)?);
        }
        let spot = match commit {
            Some("") => return Err(Fail::usage("--commit is empty; wanted a revision such as HEAD")),
            Some(revision) => self.spot(self.context.head(revision)?),
            None => match self.find(&change, first.is_some())? {
                Ok(spot) => spot,
                Err((_, why)) => return Err(Fail { hint: why.hint, ..Fail::usage(why.text) }),
            },
        };
        let standing = self.judge(&change, first.as_ref(), &spot)?;
        Ok(match log.merge_of(&change)?.filter(|_| self.moment <= Moment::Merge) {
            Some(merge) => standing.merged(merge),
            None => standing,
        })
    }

    /// Says that nobody planned such a change, and which one may be meant.
    fn unknown(&self, change: &ChangeId) -> Result<Fail, Fail> {
        let mut known: BTreeSet<ChangeId> = self.branches()?.keys().cloned().chain(self.of_head.clone()).collect();
        for serial in open_changes(&self.ground.log)? {
            let Some(planned) = planned_at(&self.ground.log, serial)? else { continue };
            known.extend(planned.plan.aliases);
            known.insert(planned.change);
        }
        let fail = Fail::usage(format!("no change {change} is known: nobody planned it, and HEAD does not make it"));
        Ok(match nearest(change.as_str(), known.iter().map(|known| known.as_str())) {
            Some(near) => fail.hint(format!("did you mean {near}?")),
            None => {
                fail.hint(format!("evidence status lists the open ones; evidence plan {change} --tier TIER begins it"))
            }
        })
    }

    /// Returns how an open change stands; what cannot be judged here is told as such, unless the ledger contradicts itself.
    fn open_one(&self, planned: &Planned) -> Result<Standing, Fail> {
        let change = &planned.change;
        let unjudged = |commit: Option<Oid>, why| Standing::unjudged(change.clone(), Some(planned), commit, now(), why);
        let spot = match self.find(change, true) {
            Ok(Ok(spot)) => spot,
            Ok(Err((commit, why))) => return Ok(unjudged(commit, why)),
            Err(fail) => return Ok(unjudged(None, told(fail)?)),
        };
        match self.judge(change, Some(planned), &spot) {
            Ok(standing) => Ok(standing),
            Err(fail) => Ok(unjudged(Some(spot.head.commit), told(fail)?)),
        }
    }

    fn judge(&self, change: &ChangeId, planned: Option<&Planned>, spot: &Spot) -> Result<Standing, Fail> {
        let target = self.target_of(planned)?;
        let target = target.as_ref();
        let mut verdict = match judge_at(self.context, &self.ground, target, change, &spot.head, self.moment)? {
            Ok((decided, _)) => decided.into_verdict(),
            Err(verdict) => *verdict,
        };
        self.advisor.advise(&mut verdict);
        let standing = Standing::judged(&verdict, planned, target.map(|target| target.name.as_str()), spot.checkout);
        Ok(match standing.state {
            Progress::Ready if self.moment == Moment::Merge => standing.to_be_merged_by(self.advisor.mergers(change)),
            _ => standing,
        })
    }

    /// Returns the branch that a change is meant for: the one that is named, else the planned one, else the usual one.
    fn target_of(&self, planned: Option<&Planned>) -> Result<Option<Target>, Fail> {
        let usual = || self.target.clone();
        let Some(planned) = planned.filter(|_| !self.named_target) else { return Ok(usual()) };
        let short =
            |name: &str| name.trim_start_matches("refs/heads/").trim_start_matches("refs/remotes/origin/").to_owned();
        let wanted = short(&planned.plan.target);
        if self.target.as_ref().is_some_and(|target| short(&target.name) == wanted) {
            return Ok(usual());
        }
        Ok(self.context.repository()?.target(Some(&wanted)).unwrap_or_else(|_| usual()))
    }

    /// Finds the commit that a change is judged at: HEAD where that makes the change, else of the branches of its name and
    /// the commit that it was last shown something about the one that was committed last.
    ///
    /// If none of them is here, says so and which is wanted.
    fn find(&self, change: &ChangeId, is_planned: bool) -> Result<Result<Spot, (Option<Oid>, Unjudged)>, Fail> {
        if let Some(head) = self.commit.as_ref().filter(|_| !is_planned || self.of_head.as_ref() == Some(change)) {
            return Ok(Ok(self.spot(head.clone())));
        }
        let repository = self.context.repository()?;
        let mut newest: Option<(u64, Head)> = None;
        let recorded = newest_commit(&self.ground.log, change)?;
        let of_branches = self.branches()?.get(change).into_iter().flatten();
        let found = of_branches.filter_map(|name| repository.resolve_commit(name).ok()).chain(recorded.clone());
        for commit in found {
            let Ok(read) = need_commit(repository, &commit) else { continue };
            if newest.as_ref().is_none_or(|(seconds, _)| read.committed_seconds > *seconds) {
                newest = Some((read.committed_seconds, Head { commit, tree: read.tree }));
            }
        }
        Ok(match (newest, recorded) {
            (Some((_, head)), _) => Ok(self.spot(head)),
            (None, Some(commit)) => {
                let text = format!("commit {} not here: its newest record is about it", commit.short());
                Err((Some(commit), Unjudged { text, hint: Some("git fetch".to_owned()) }))
            }
            (None, None) => {
                let text = "no commit is known of it".to_owned();
                Err((None, Unjudged { text, hint: Some(format!("evidence status {change} --commit REV")) }))
            }
        })
    }

    fn spot(&self, head: Head) -> Spot {
        let is_here = self.commit.as_ref().is_some_and(|checked_out| checked_out.commit == head.commit);
        Spot { head, checkout: if is_here { Checkout::Here } else { Checkout::Elsewhere } }
    }

    /// Returns the branches, here and of remotes, by the open change that each makes.
    fn branches(&self) -> Result<&BTreeMap<ChangeId, Vec<String>>, Fail> {
        if let Some(found) = self.branches.get() {
            return Ok(found);
        }
        let mut by_change: BTreeMap<ChangeId, Vec<String>> = BTreeMap::new();
        for name in self.context.repository()?.branches(BRANCHES_MAX)? {
            let of_remote = || name.strip_prefix("refs/remotes/")?.split_once('/').map(|(_, branch)| branch);
            let Some(branch) = name.strip_prefix("refs/heads/").or_else(of_remote) else { continue };
            let Some(id) = Id::slug(&format!("{}/{branch}", self.ground.trust.repository)) else { continue };
            let mut open = id.clone();
            let mut number = 2;
            while self.ground.log.merge_of(&open)?.is_some() {
                let Ok(next) = format!("{id}-{number}").parse() else { break };
                open = next;
                number += 1;
            }
            by_change.entry(open).or_default().push(name);
        }
        Ok(self.branches.get_or_init(|| by_change))
    }
}

/// Returns nothing for what is refused: the verdict of each change says it.
fn unless_refused<T>(read: Result<T, Fail>) -> Result<Option<T>, Fail> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(fail) if fail.exit == 1 => Ok(None),
        Err(fail) => Err(fail),
    }
}

/// Tells why a change was not judged; an alarm is no such reason.
fn told(fail: Fail) -> Result<Unjudged, Fail> {
    if fail.exit == 3 { Err(fail) } else { Ok(Unjudged { text: fail.text, hint: fail.hint }) }
}

/// Draws the page anew again and again. No mode of the terminal is left changed between two frames, so that whatever ends the
/// program leaves it as it was.
fn watch(context: &Context, args: &StatusArgs) -> Result<u8, Fail> {
    if context.json || !std::io::stdout().is_terminal() {
        let why = if context.json { "--json is for programs" } else { "standard output is none" };
        return Err(
            Fail::usage(format!("--watch draws on a terminal, and {why}")).hint("evidence status, now and then")
        );
    }
    let mut drawn = 0;
    loop {
        let page = Look::at(&context.again(), args)?.page();
        drawn = draw(&page, drawn);
        std::thread::sleep(EVERY);
    }
}

/// Draws a page over the lines that were drawn before, and returns how many it has.
fn draw(page: &str, before: usize) -> usize {
    let mut out = std::io::stdout().lock();
    let rows = rustix::termios::tcgetwinsize(&out).map_or(0, |size| usize::from(size.ws_row));
    let fits = if rows > 2 { rows - 2 } else { usize::MAX };
    let mut lines: Vec<String> = page.lines().take(fits).map(ToOwned::to_owned).collect();
    let more = page.lines().count() - lines.len();
    lines.push(match more {
        0 => format!("{}, every {} s; Ctrl-C ends it", now(), EVERY.as_secs()),
        _ => format!("{}, every {} s; Ctrl-C ends it; {more} lines more than the terminal has", now(), EVERY.as_secs()),
    });
    let mut text: String = lines.iter().map(|line| format!("{line}{CLEAR_LINE}\n")).collect();
    if anstream::AutoStream::choice(&out) == anstream::ColorChoice::Never {
        let plain = |line: &String| anstream::adapter::strip_str(line).to_string();
        text = lines.iter().map(|line| format!("{}{CLEAR_LINE}\n", plain(line))).collect();
    }
    let up = if before == 0 { String::new() } else { format!("\u{1b}[{before}A\r") };
    let frame = format!("{NO_WRAP}{up}{text}{CLEAR_BELOW}{WRAP}");
    let _ = out.write_all(frame.as_bytes()).and_then(|()| out.flush());
    lines.len()
}

/// All that git can be asked for.
const BRANCHES_MAX: u32 = 2_147_483_647;
const EVERY: Duration = Duration::from_secs(2);
const NO_WRAP: &str = "\u{1b}[?7l";
const WRAP: &str = "\u{1b}[?7h";
const CLEAR_LINE: &str = "\u{1b}[K";
const CLEAR_BELOW: &str = "\u{1b}[J";
