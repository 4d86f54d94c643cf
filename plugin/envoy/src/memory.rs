//! Limits the memory that a worker keeps for undecided requests and unjudged answers: in total, and per
//! source, so that one client cannot use it all. Beyond the limit a request is refused before anything is
//! allocated.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The cost of a request besides its bytes.
const REQUEST: usize = 4 * 1024;

/// Requests up to this size may use all memory, larger ones three quarters of it, so that large bodies
/// always leave room for usual ones.
const USUAL: usize = 32 * 1024;

/// The memory of one worker.
pub(crate) struct Memory {
    most: usize,
    used: Cell<usize>,
    sources: RefCell<BTreeMap<Rc<str>, usize>>,
}

/// The memory of one request, returned on drop.
pub(crate) struct Share {
    memory: Rc<Memory>,
    source: Rc<str>,
    used: usize,
}

/// The memory is used up.
#[derive(Debug)]
pub(crate) struct Full;

impl Memory {
    /// Sets the limit.
    pub(crate) fn new(most: usize) -> Rc<Self> {
        Rc::new(Self {
            most,
            used: Cell::new(0),
            sources: RefCell::default(),
        })
    }

    fn room(&self, source: &str, size: usize, of_request: usize) -> Result<(), Full> {
        let used = self.used.get().saturating_add(size);
        let most = match of_request <= USUAL {
            true => self.most,
            false => self.most / 4 * 3,
        };
        let of_source = self.sources.borrow().get(source).copied();
        let of_source = of_source.unwrap_or_default();
        match used > most || of_source.saturating_add(size) > self.most / 2 {
            true => Err(Full),
            false => Ok(()),
        }
    }

    fn take(&self, source: &Rc<str>, size: usize, of_request: usize) -> Result<(), Full> {
        self.room(source, size, of_request)?;
        self.used.set(self.used.get().saturating_add(size));
        let mut sources = self.sources.borrow_mut();
        let of_source = sources.entry(Rc::clone(source)).or_default();
        *of_source = of_source.saturating_add(size);
        Ok(())
    }

    fn give_back(&self, source: &Rc<str>, size: usize) {
        self.used.set(self.used.get().saturating_sub(size));
        let mut sources = self.sources.borrow_mut();
        let left = sources
            .get(source)
            .copied()
            .unwrap_or_default()
            .saturating_sub(size);
        match left {
            0 => sources.remove(source),
            left => sources.insert(Rc::clone(source), left),
        };
    }
}

impl Share {
    /// The share of a new request, still empty.
    pub(crate) fn new(memory: Rc<Memory>) -> Self {
        Self {
            memory,
            source: Rc::from(""),
            used: 0,
        }
    }

    /// Begins with the head of a request from this address, which announces a body of this size.
    ///
    /// # Errors
    /// If there is no room for both: reading a body in vain would take time from others.
    pub(crate) fn begin(
        &mut self,
        source: Option<&str>,
        head: usize,
        body: usize,
    ) -> Result<(), Full> {
        self.source = Rc::from(source.unwrap_or_default());
        let head = head.saturating_add(REQUEST);
        self.memory.room(
            &self.source,
            head.saturating_add(body),
            head.saturating_add(body),
        )?;
        self.take(head)
    }

    /// Takes more memory.
    ///
    /// # Errors
    /// If there is no room for it.
    pub(crate) fn take(&mut self, size: usize) -> Result<(), Full> {
        let of_request = self.used.saturating_add(size);
        self.memory.take(&self.source, size, of_request)?;
        self.used = of_request;
        Ok(())
    }

    /// Returns some memory.
    pub(crate) fn give_back(&mut self, size: usize) {
        let size = size.min(self.used);
        self.memory.give_back(&self.source, size);
        self.used -= size;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_back(self.used);
    }
}
