//! Memory for contents, shared by all who hold some: the connections that receive, and those that read ahead of a delivery.
//!
//! A server of 64 MiB messages and a thousand clients could be made to hold 64 GiB. What a content grows by is taken from one
//! budget; where nothing is left, the content is dropped and the client told to come again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A budget of octets. Cloning shares it.
#[derive(Clone, Debug)]
pub struct ContentBudget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    octets: AtomicUsize,
    taken: AtomicUsize,
}

/// What one holds of the budget; given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: ContentBudget,
    octets: usize,
}

impl ContentBudget {
    /// A budget of so many octets.
    #[must_use]
    pub fn new(octets: usize) -> Self {
        Self(Arc::new(Shared { octets: AtomicUsize::new(octets), taken: AtomicUsize::new(0) }))
    }

    /// Octets taken now.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.0.taken.load(Ordering::Relaxed)
    }

    /// Octets in all.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.0.octets.load(Ordering::Relaxed)
    }

    /// Makes it a budget of so many octets. What is taken stays so, were it more.
    pub(crate) fn set_octets(&self, octets: usize) {
        self.0.octets.store(octets, Ordering::Relaxed);
    }

    /// Whether so many octets could be taken now. Others may be faster.
    pub(crate) fn has(&self, octets: usize) -> bool {
        self.octets().saturating_sub(self.taken()) >= octets
    }

    /// A share of nothing.
    pub(crate) fn share(&self) -> Share {
        Share { budget: self.clone(), octets: 0 }
    }
}

impl Share {
    /// Makes the share so large; `false`, and nothing changes, where the budget has no room to grow it.
    pub(crate) fn resize(&mut self, octets: usize) -> bool {
        let shared = &self.budget.0;
        if octets > self.octets {
            let (more, most) = (octets - self.octets, self.budget.octets());
            let grown = shared.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
                taken.checked_add(more).filter(|&taken| taken <= most)
            });
            if grown.is_err() {
                return false;
            }
        } else {
            shared.taken.fetch_sub(self.octets - octets, Ordering::Relaxed);
        }
        self.octets = octets;
        true
    }
}

impl Share {
    /// How large it is.
    pub(crate) fn octets(&self) -> usize {
        self.octets
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.resize(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_comes_back() {
        let budget = ContentBudget::new(10);
        let (mut first, mut second) = (budget.share(), budget.share());
        assert!(first.resize(6));
        assert!(!second.resize(5));
        assert!(second.resize(4));
        assert!(!budget.has(1));
        assert!(first.resize(1));
        assert!(budget.has(5) && !budget.has(6));
        budget.set_octets(4);
        assert!(!budget.has(1) && !first.resize(2) && second.resize(3));
        drop((first, second));
        assert_eq!(budget.taken(), 0);
    }
}
