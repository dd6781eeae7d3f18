//! The file as a whole: read, checked for contradictions, and asked for what it says.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use xd_core::{Domain, RuleSource};

use crate::error::ConfigError;
use crate::gateway::{Limits, ProtectedDomain, Route};
use crate::tables::Tables;

/// What the configuration says.
#[derive(Debug)]
pub struct Config {
    source: RuleSource,
    tables: Tables,
    pub(crate) domains: BTreeMap<String, ProtectedDomain>,
    pub(crate) routes: BTreeMap<String, Route>,
    pub(crate) default_route: Route,
    pub(crate) limits: Limits,
}

impl Default for Config {
    /// All settings at their defaults, as from an empty file.
    fn default() -> Self {
        let (source, tables) = (RuleSource::new("", ""), Tables::default());
        let (domains, routes) = (BTreeMap::new(), BTreeMap::new());
        Self { source, tables, domains, routes, default_route: Route::by_mx(), limits: Limits::default() }
    }
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// It cannot be read, or something in it is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(crate::read(path)?)
    }

    /// Reads the text of a configuration file.
    ///
    /// # Errors
    /// A key is unknown, a value is wrong, or two settings contradict each other.
    pub fn parse(source: RuleSource) -> Result<Self, ConfigError> {
        let tables: Tables = toml::from_str(&source.text).map_err(|error| {
            let message = error.message().lines().collect::<Vec<_>>().join("; ");
            ConfigError::Wrong(source.error(error.span().unwrap_or(0..0), message))
        })?;
        let mut config = Self { source, tables, ..Self::default() };
        config.limits = config.read_limits()?;
        config.domains = config.read_domains()?;
        (config.routes, config.default_route) = config.read_routes()?;
        config.check()?;
        Ok(config)
    }

    /// The domain that is protected under this name, in any spelling of its letters.
    #[must_use]
    pub fn domain(&self, name: &str) -> Option<&ProtectedDomain> {
        let name = Domain::parse(name).ok()?;
        self.domains.get(name.as_str())
    }

    /// All protected domains, in the order of their names.
    pub fn domains(&self) -> impl Iterator<Item = &ProtectedDomain> {
        self.domains.values()
    }

    /// By what way mail for a domain leaves: that of the protected domain, of the route named for it, or of the route `*`.
    #[must_use]
    pub fn route(&self, domain: &str) -> &Route {
        let Ok(name) = Domain::parse(domain) else { return &self.default_route };
        let protected = self.domains.get(name.as_str()).map(|domain| &domain.route);
        protected.or_else(|| self.routes.get(name.as_str())).unwrap_or(&self.default_route)
    }

    /// All routes of single domains, protected or not.
    pub fn routes(&self) -> impl Iterator<Item = (&str, &Route)> {
        let protected = self.domains.values().map(|domain| (domain.name.as_str(), &domain.route));
        protected.chain(self.routes.iter().map(|(name, route)| (name.as_str(), route)))
    }

    /// The route of all other domains.
    #[must_use]
    pub fn default_route(&self) -> &Route {
        &self.default_route
    }

    pub(crate) fn tables(&self) -> &Tables {
        &self.tables
    }

    pub(crate) fn wrong(&self, span: Range<usize>, message: impl Into<String>) -> ConfigError {
        ConfigError::Wrong(self.source.error(span, message))
    }

    /// A whole number within bounds, or the default.
    pub(crate) fn number(&self, value: Option<&Spanned<i64>>, default: u64, least: u64, most: u64) -> Result<u64, ConfigError> {
        let Some(value) = value else { return Ok(default) };
        let number = u64::try_from(*value.get_ref()).ok().filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| self.wrong(value.span(), format!("expected {least} to {most}, found {}", value.get_ref())))
    }
}

#[cfg(test)]
mod tests;
