//! Removes labs when the program that built them is told to end.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread;

use anyhow::Context as _;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::state::State;

/// Set as soon as a signal has come.
static ENDING: AtomicBool = AtomicBool::new(false);

static LABS: Mutex<Vec<Weak<State>>> = Mutex::new(Vec::new());

/// From now on the lab is removed when a signal ends the program.
pub(crate) fn remove_on_signal(state: &Arc<State>) -> anyhow::Result<()> {
    static LISTENING: OnceLock<()> = OnceLock::new();
    LABS.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(Arc::downgrade(state));
    if LISTENING.set(()).is_ok() {
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM]).context("waiting for signals")?;
        thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                end(signal);
            }
        });
    }
    Ok(())
}

/// Does not return if a signal is ending the program.
///
/// What fails while a lab is being removed fails because of that, and is not worth a word.
pub fn wait_if_interrupted() {
    while ENDING.load(Ordering::Acquire) {
        thread::park();
    }
}

/// Ends the program as shells expect of one that a signal ended.
fn end(signal: i32) -> ! {
    ENDING.store(true, Ordering::Release);
    for state in LABS.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        if let Some(Err(error)) = state.upgrade().map(|state| state.close()) {
            eprintln!("removing the lab: {error:#}");
        }
    }
    process::exit(128 + signal)
}
