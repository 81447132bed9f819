//! Which call fails, and how.

use std::sync::Arc;

use parking_lot::Mutex;
use rustix::io::Errno;

use crate::{StorageError, StorageKey};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Any call: nothing is done, the error is `EIO`.
    Io,
    /// Any call: it is carried out, and the error is `EIO` all the same. So fails a rename whose
    /// directory cannot be flushed.
    LateIo,
    /// Calls that store bytes: an appender keeps the first half of them, a whole object keeps its
    /// old content; the error is `EIO`.
    ShortWrite,
    /// Calls that need space: nothing is done, the error is `ENOSPC`.
    NoSpace,
    /// Calls that change something: nothing is done, the error is `EROFS`.
    ReadOnly,
    /// Any call: nothing is done, and it panics.
    Panic,
}

/// What a call does, which decides the faults that can meet it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Call {
    /// Looks.
    Read,
    /// Stores bytes.
    Bytes,
    /// Stores names, or makes what was stored durable.
    Store,
    /// Removes.
    Remove,
}

impl Fault {
    fn meets(self, call: Call) -> bool {
        match self {
            Self::Io | Self::LateIo | Self::Panic => true,
            Self::ShortWrite => matches!(call, Call::Bytes),
            Self::NoSpace => matches!(call, Call::Bytes | Call::Store),
            Self::ReadOnly => !matches!(call, Call::Read),
        }
    }

    fn error(self, operation: &'static str, key: &StorageKey) -> StorageError {
        let key = key.clone();
        match self {
            Self::Io | Self::LateIo | Self::ShortWrite => StorageError::Io {
                operation,
                key,
                source: Errno::IO.into(),
            },
            Self::NoSpace => StorageError::NoSpace {
                operation,
                key,
                source: Errno::NOSPC.into(),
            },
            Self::ReadOnly => StorageError::ReadOnly {
                operation,
                key,
                source: Errno::ROFS.into(),
            },
            Self::Panic => panic!("injected: could not {operation} `{key}`"),
        }
    }
}

/// A fault and the call it meets. Clones are handles of the same plan.
#[derive(Clone, Debug)]
pub struct FaultPlan(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// The fault and the number of the first call it meets.
    fault: Option<(Fault, u64)>,
    lasting: bool,
    calls: u64,
    fired: bool,
}

impl FaultPlan {
    /// No call fails; they are counted.
    pub fn none() -> Self {
        Self::new(None, false)
    }

    /// `fault` meets one call, the `nth` of those it can meet, counted from 1.
    pub fn at(nth: u64, fault: Fault) -> Self {
        Self::new(Some((fault, nth)), false)
    }

    /// `fault` meets the `nth` of the calls it can meet and all later ones, until it is
    /// [lifted](Self::lift). With [`Fault::Io`] that is a process that died at this call, as long as
    /// the test goes on with the wrapped driver alone.
    pub fn starting_at(nth: u64, fault: Fault) -> Self {
        Self::new(Some((fault, nth)), true)
    }

    /// A plan for each call that `fault` can meet in what the loop's body does: [`at`](Self::at) 1,
    /// 2, 3 and so on, up to the first that no call came to. The body must use the plan it is given.
    pub fn each_call(fault: Fault) -> FaultPlans {
        FaultPlans {
            make: Self::at,
            fault,
            nth: 0,
            last: None,
        }
    }

    /// As [`each_call`](Self::each_call), with faults that last: [`starting_at`](Self::starting_at) 1, 2,
    /// 3 and so on.
    pub fn from_each_call(fault: Fault) -> FaultPlans {
        FaultPlans {
            make: Self::starting_at,
            fault,
            nth: 0,
            last: None,
        }
    }

    fn new(fault: Option<(Fault, u64)>, lasting: bool) -> Self {
        Self(Arc::new(Mutex::new(State {
            fault,
            lasting,
            calls: 0,
            fired: false,
        })))
    }

    /// How many calls there were that the fault can meet; without a fault, all calls.
    pub fn calls(&self) -> u64 {
        self.0.lock().calls
    }

    /// Whether the fault met a call.
    pub fn has_fired(&self) -> bool {
        self.0.lock().fired
    }

    /// Begins to count anew: `fault` meets the `nth` of the calls it can meet from now on.
    pub fn set(&self, nth: u64, fault: Fault) {
        *self.0.lock() = State {
            fault: Some((fault, nth)),
            lasting: false,
            calls: 0,
            fired: false,
        };
    }

    /// Ends the fault: no further call fails.
    pub fn lift(&self) {
        self.0.lock().fault = None;
    }

    /// Counts a call and says how it fails.
    pub(super) fn next(&self, call: Call) -> Option<Fault> {
        let mut state = self.0.lock();
        let Some((fault, nth)) = state.fault else {
            state.calls += 1;
            return None;
        };
        if !fault.meets(call) {
            return None;
        }
        state.calls += 1;
        let met = state.calls == nth || (state.lasting && state.calls > nth);
        state.fired |= met;
        met.then_some(fault)
    }

    /// Counts a call and carries it out, or fails it.
    pub(super) fn run<T>(
        &self,
        call: Call,
        operation: &'static str,
        key: &StorageKey,
        carry_out: impl FnOnce() -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        apply(self.next(call), operation, key, carry_out)
    }
}

/// Carries a call out, or fails it with `fault`.
pub(super) fn apply<T>(
    fault: Option<Fault>,
    operation: &'static str,
    key: &StorageKey,
    carry_out: impl FnOnce() -> Result<T, StorageError>,
) -> Result<T, StorageError> {
    match fault {
        None => carry_out(),
        Some(fault) => {
            if fault == Fault::LateIo {
                carry_out()?;
            }
            Err(fault.error(operation, key))
        }
    }
}

/// The plans of [`FaultPlan::each_call`].
#[derive(Debug)]
pub struct FaultPlans {
    make: fn(u64, Fault) -> FaultPlan,
    fault: Fault,
    nth: u64,
    last: Option<FaultPlan>,
}

impl Iterator for FaultPlans {
    type Item = FaultPlan;

    fn next(&mut self) -> Option<FaultPlan> {
        if self.last.as_ref().is_some_and(|last| !last.has_fired()) {
            return None;
        }
        self.nth += 1;
        let plan = (self.make)(self.nth, self.fault);
        self.last = Some(plan.clone());
        Some(plan)
    }
}
