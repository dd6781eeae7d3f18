//! Small files that lead somewhere: calendars and cards, shortcuts, notebooks.

mod calendar;
mod notebook;
mod shortcut;

pub(crate) use calendar::open as open_calendar;
pub(crate) use notebook::{open_mso, open_notebook};
pub(crate) use shortcut::{open_link, open_order};
