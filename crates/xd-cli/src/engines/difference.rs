//! What changed from one engine to another: rules, groups, lists and brands. Thresholds are settings, not part of an engine.

use serde::Serialize;
use xd_core::rules::{Group, List, Rule};
use xd_core::{Engine, EngineHash, Score};
use xd_store::EngineInputs;

use super::model_name;
use crate::json;

/// All that differs, as `xd engine diff --format json` prints it.
#[derive(Debug, Serialize)]
pub(crate) struct Difference<'a> {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) semantics: Option<Change<&'a str>>,
    pub(super) model: Option<Change<String>>,
    pub(super) rules: Parts<RuleLine<'a>, RuleChange<'a>>,
    pub(super) groups: Parts<GroupLine<'a>, GroupChange<'a>>,
    pub(super) lists: Parts<ListLine<'a>, ListChange<'a>>,
    pub(super) brands: Parts<BrandLine<'a>, BrandChange<'a>>,
}

/// Parts of one kind, each in the order of ids.
#[derive(Debug, Serialize)]
pub(super) struct Parts<T, C> {
    pub(super) added: Vec<T>,
    pub(super) removed: Vec<T>,
    pub(super) changed: Vec<C>,
}

#[derive(Debug, Serialize)]
pub(super) struct Change<T> {
    pub(super) from: T,
    pub(super) to: T,
}

#[derive(Debug, Serialize)]
pub(super) struct RuleLine<'a> {
    pub(super) id: &'a str,
    pub(super) family: &'a str,
    #[serde(serialize_with = "json::score")]
    pub(super) score: Score,
    pub(super) group: Option<&'a str>,
    pub(super) why: &'a str,
    pub(super) condition: &'a str,
}

/// What differs of a rule; what does not is left out.
#[derive(Debug, Serialize)]
pub(super) struct RuleChange<'a> {
    pub(super) id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) score: Option<Change<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<Change<Option<&'a str>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) family: Option<Change<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<Change<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) condition: Option<Change<&'a str>>,
}

#[derive(Debug, Serialize)]
pub(super) struct GroupLine<'a> {
    pub(super) id: &'a str,
    #[serde(serialize_with = "json::score")]
    pub(super) cap: Score,
}

#[derive(Debug, Serialize)]
pub(super) struct GroupChange<'a> {
    pub(super) id: &'a str,
    pub(super) cap: Change<String>,
    /// The rules of the group, as the newer engine has it.
    pub(super) rules: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
pub(super) struct ListLine<'a> {
    pub(super) id: &'a str,
    pub(super) entries: &'a [String],
}

#[derive(Debug, Serialize)]
pub(super) struct ListChange<'a> {
    pub(super) id: &'a str,
    pub(super) added: Vec<&'a str>,
    pub(super) removed: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
pub(super) struct BrandLine<'a> {
    pub(super) names: &'a [String],
    pub(super) domains: &'a [String],
}

#[derive(Debug, Serialize)]
pub(super) struct BrandChange<'a> {
    pub(super) from: BrandLine<'a>,
    pub(super) to: BrandLine<'a>,
}

impl<'a> Difference<'a> {
    /// What differs between two engines, each with its name and what it was compiled from.
    pub(crate) fn of(old: (EngineHash, &'a EngineInputs, &'a Engine), new: (EngineHash, &'a EngineInputs, &'a Engine)) -> Self {
        let (old_rules, new_rules) = (old.2.rules(), new.2.rules());
        let line = |engine: &'a Engine| move |rule: &'a Rule| RuleLine::of(engine, rule);
        let (added, removed, both) = sides(old_rules.rules(), new_rules.rules(), Rule::id);
        let rules = Parts {
            added: added.into_iter().map(line(new.2)).collect(),
            removed: removed.into_iter().map(line(old.2)).collect(),
            changed: both
                .into_iter()
                .filter_map(|(a, b)| RuleChange::of(RuleLine::of(old.2, a), RuleLine::of(new.2, b)))
                .collect(),
        };
        let (added, removed, both) = sides(old_rules.groups(), new_rules.groups(), |group: &Group| group.id.as_str());
        let line = |group: &'a Group| GroupLine { id: &group.id, cap: group.cap };
        let groups = Parts {
            added: added.into_iter().map(line).collect(),
            removed: removed.into_iter().map(line).collect(),
            changed: both.into_iter().filter_map(|(a, b)| GroupChange::of(new.2, a, b)).collect(),
        };
        let (added, removed, both) = sides(old_rules.lists(), new_rules.lists(), |list: &List| list.id.as_str());
        let line = |list: &'a List| ListLine { id: &list.id, entries: &list.entries };
        let lists = Parts {
            added: added.into_iter().map(line).collect(),
            removed: removed.into_iter().map(line).collect(),
            changed: both.into_iter().filter_map(|(a, b)| ListChange::of(a, b)).collect(),
        };
        Self {
            from: old.0.to_string(),
            to: new.0.to_string(),
            semantics: changed(old.1.semantics.as_str(), new.1.semantics.as_str()),
            model: changed(model_name(old.1), model_name(new.1)),
            rules,
            groups,
            lists,
            brands: brands(old.2, new.2),
        }
    }

    /// Whether nothing differs that could matter: files may have other names, comments or another order of rules.
    pub(super) fn is_empty(&self) -> bool {
        let Self { semantics, model, rules, groups, lists, brands, .. } = self;
        semantics.is_none() && model.is_none() && rules.is_empty() && groups.is_empty() && lists.is_empty() && brands.is_empty()
    }
}

impl<T, C> Parts<T, C> {
    pub(super) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

impl<'a> RuleLine<'a> {
    fn of(engine: &'a Engine, rule: &'a Rule) -> Self {
        let group = rule.group().and_then(|group| engine.rules().groups().get(group)).map(|group| group.id.as_str());
        Self {
            id: rule.id(),
            family: rule.family(),
            score: rule.score(),
            group,
            why: rule.why(),
            condition: rule.condition_text(),
        }
    }
}

impl<'a> RuleChange<'a> {
    fn of(old: RuleLine<'a>, new: RuleLine<'a>) -> Option<Self> {
        let score =
            changed(old.score, new.score).map(|Change { from, to }| Change { from: from.to_string(), to: to.to_string() });
        let change = Self {
            id: new.id,
            score,
            group: changed(old.group, new.group),
            family: changed(old.family, new.family),
            why: changed(old.why, new.why),
            condition: changed(old.condition, new.condition),
        };
        let Self { id: _, score, group, family, why, condition } = &change;
        let differs = score.is_some() || group.is_some() || family.is_some() || why.is_some() || condition.is_some();
        differs.then_some(change)
    }
}

impl<'a> GroupChange<'a> {
    fn of(new: &'a Engine, old_group: &'a Group, group: &'a Group) -> Option<Self> {
        let Change { from, to } = changed(old_group.cap, group.cap)?;
        let of_group = |rule: &&Rule| rule.group().and_then(|index| new.rules().groups().get(index)) == Some(group);
        let rules = new.rules().rules().iter().filter(of_group).map(Rule::id).collect();
        Some(Self { id: &group.id, cap: Change { from: from.to_string(), to: to.to_string() }, rules })
    }
}

impl<'a> ListChange<'a> {
    fn of(old: &'a List, new: &'a List) -> Option<Self> {
        let (added, removed, _) = sides(&old.entries, &new.entries, String::as_str);
        let texts = |entries: Vec<&'a String>| entries.into_iter().map(String::as_str).collect::<Vec<_>>();
        let (added, removed) = (texts(added), texts(removed));
        (!added.is_empty() || !removed.is_empty()).then_some(Self { id: &new.id, added, removed })
    }
}

fn changed<T: PartialEq>(from: T, to: T) -> Option<Change<T>> {
    (from != to).then_some(Change { from, to })
}

/// Brands have no ids: those that share a name are one brand that changed.
fn brands<'a>(old: &'a Engine, new: &'a Engine) -> Parts<BrandLine<'a>, BrandChange<'a>> {
    type Entry<'a> = (&'a [String], &'a [String]);
    let (old, new): (Vec<Entry<'a>>, Vec<Entry<'a>>) = (old.rules().brands().collect(), new.rules().brands().collect());
    let mut removed: Vec<Entry<'a>> = old.iter().filter(|brand| !new.contains(brand)).copied().collect();
    let line = |(names, domains): Entry<'a>| BrandLine { names, domains };
    let mut parts = Parts { added: Vec::new(), removed: Vec::new(), changed: Vec::new() };
    for brand in new.iter().filter(|brand| !old.contains(brand)) {
        match removed.iter().position(|other| other.0.iter().any(|name| brand.0.contains(name))) {
            Some(index) => parts.changed.push(BrandChange { from: line(removed.remove(index)), to: line(*brand) }),
            None => parts.added.push(line(*brand)),
        }
    }
    parts.removed = removed.into_iter().map(line).collect();
    parts
}

/// What only the new side has, what only the old side has, and pairs of what both have; both sides stand in the order of
/// their ids.
fn sides<'a, T>(old: &'a [T], new: &'a [T], id: impl Fn(&T) -> &str) -> (Vec<&'a T>, Vec<&'a T>, Vec<(&'a T, &'a T)>) {
    let (mut added, mut removed, mut both) = (Vec::new(), Vec::new(), Vec::new());
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    loop {
        let order = match (old.peek(), new.peek()) {
            (Some(a), Some(b)) => id(a).cmp(id(b)),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => return (added, removed, both),
        };
        match order {
            std::cmp::Ordering::Less => removed.extend(old.next()),
            std::cmp::Ordering::Greater => added.extend(new.next()),
            std::cmp::Ordering::Equal => both.extend(old.next().zip(new.next())),
        }
    }
}
