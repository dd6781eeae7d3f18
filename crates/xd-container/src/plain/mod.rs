//! Small files that lead somewhere: calendars and cards, shortcuts that are text, packed objects of web pages.

mod calendar;
mod mso;
mod order;

pub(crate) use calendar::open as open_calendar;
pub(crate) use mso::open as open_mso;
pub(crate) use order::open as open_order;
