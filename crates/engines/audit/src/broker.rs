use crate::entry::{Entry, Kind};
use crate::format::Formatter;
use jiff::Timestamp;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Ends when the line is written, or can't be.
pub type Completion = Pin<Box<dyn Future<Output = Result<(), DeviceError>> + Send>>;

/// Where lines go: a file, a socket, standard output.
pub trait Device: Send + Sync {
    /// Takes a line of a [`Formatter`] and ends when it is written; a file when it is durable. The call itself does not
    /// wait. Lines go out in the order of the calls, also where nobody waits for the end. The device adds the chain where
    /// it writes, so that a line that could not be written leaves no gap. What it holds is bounded: a line that finds no
    /// room is refused.
    fn write(&self, line: Vec<u8>) -> Completion;
}

/// Why a device did not write.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct DeviceError(pub String);

/// Waits.
pub trait Timer: Send + Sync {
    /// Ends after this time.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// Why an entry is not logged. What it is about must not be done, or not be answered.
#[derive(Debug, thiserror::Error)]
#[error("no audit backend succeeded in logging the {}", match .kind { Kind::Request => "request", Kind::Response => "response" })]
pub struct LogError {
    /// What it was about.
    pub kind: Kind,
    /// What each device said; no word is one that is blocked.
    pub devices: Vec<(String, Option<DeviceError>)>,
}

/// How a device is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceState {
    /// It writes.
    Working,
    /// It has not written for longer than the broker waits. Nobody waits for it until it has.
    Blocked {
        /// Since when.
        since: Timestamp,
    },
    /// It said why it can't write.
    Failing {
        /// Since when.
        since: Timestamp,
        /// Why.
        error: String,
    },
}

/// The state of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Its path: `file/`.
    pub name: String,
    /// How it is.
    pub state: DeviceState,
    /// Entries that it does not have.
    pub missed: u64,
}

/// All devices.
pub struct Broker {
    devices: Mutex<Arc<Vec<Arc<Registered>>>>,
    timer: Arc<dyn Timer>,
    patience: Duration,
    deadline: Duration,
}

struct Registered {
    name: String,
    formatter: Formatter,
    device: Arc<dyn Device>,
    progress: Mutex<Progress>,
}

struct Progress {
    state: DeviceState,
    missed: u64,
    /// Lines that nobody waits for any more.
    late: VecDeque<Completion>,
}

/// Lines that a blocked device may owe before it gets no more.
const MAX_LATE: usize = 1024;

impl Broker {
    /// Without devices, when everything succeeds. It waits `patience` for devices while another has written, and `deadline`
    /// while none has.
    pub fn new(timer: Arc<dyn Timer>, patience: Duration, deadline: Duration) -> Self {
        Self { devices: Mutex::new(Arc::default()), timer, patience, deadline }
    }

    /// Adds a device, or replaces the one of this name.
    pub fn register(&self, name: &str, formatter: Formatter, device: Arc<dyn Device>) {
        let progress = Mutex::new(Progress { state: DeviceState::Working, missed: 0, late: VecDeque::new() });
        let registered = Arc::new(Registered { name: name.to_owned(), formatter, device, progress });
        let mut devices = lock(&self.devices);
        let others = devices.iter().filter(|other| other.name != name).cloned();
        *devices = Arc::new(others.chain([registered]).collect());
    }

    /// Takes a device away.
    pub fn deregister(&self, name: &str) {
        let mut devices = lock(&self.devices);
        *devices = Arc::new(devices.iter().filter(|other| other.name != name).cloned().collect());
    }

    /// Whether there is no device.
    pub fn is_empty(&self) -> bool {
        lock(&self.devices).is_empty()
    }

    /// `sys/audit-hash`: the hash that the device of this name writes for a value.
    pub fn hash(&self, name: &str, value: &str) -> Option<String> {
        let devices = Arc::clone(&lock(&self.devices));
        devices.iter().find(|device| device.name == name).map(|device| device.formatter.hash(value))
    }

    /// How the devices are.
    pub fn health(&self) -> Vec<Health> {
        let devices = Arc::clone(&lock(&self.devices));
        let health = |device: &Arc<Registered>| {
            let mut progress = lock(&device.progress);
            progress.collect();
            Health { name: device.name.clone(), state: progress.state.clone(), missed: progress.missed }
        };
        devices.iter().map(health).collect()
    }

    /// Logs an entry: succeeds when one device has written, or there is none.
    ///
    /// Devices that are not blocked are waited for, all of them at once.
    ///
    /// # Errors
    /// Where none has written.
    pub async fn log(&self, entry: &Entry<'_>) -> Result<(), LogError> {
        let devices = Arc::clone(&lock(&self.devices));
        if devices.is_empty() {
            return Ok(());
        }
        let mut writes = devices.iter().map(|device| Write::start(device, entry)).collect::<Vec<_>>();
        let mut sleep: Option<Pin<Box<dyn Future<Output = ()> + Send>>> = None;
        let mut is_patient = true;
        std::future::poll_fn(|context| {
            loop {
                for write in &mut writes {
                    write.poll(context, entry.time);
                }
                let has_written = writes.iter().any(|write| matches!(write.result, Some(Ok(()))));
                let is_open = |write: &Write<'_>| write.result.is_none() && !(has_written && write.was_blocked);
                if !writes.iter().any(is_open) || (has_written && !is_patient) {
                    return Poll::Ready(());
                }
                // First for the others, then for any.
                let duration = if is_patient { self.patience } else { self.deadline };
                let timer = sleep.get_or_insert_with(|| self.timer.sleep(duration));
                if timer.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                sleep = None;
                if !is_patient {
                    return Poll::Ready(());
                }
                is_patient = false;
            }
        })
        .await;
        if writes.iter().any(|write| matches!(write.result, Some(Ok(())))) {
            writes.into_iter().for_each(|write| write.leave(entry.time));
            return Ok(());
        }
        let names = |write: &Write<'_>| (write.device.name.clone(), write.result.clone().and_then(Result::err));
        let devices = writes.iter().map(names).collect();
        writes.into_iter().for_each(|write| write.leave(entry.time));
        Err(LogError { kind: entry.kind, devices })
    }
}

/// A line on its way to one device.
struct Write<'a> {
    device: &'a Registered,
    completion: Option<Completion>,
    result: Option<Result<(), DeviceError>>,
    was_blocked: bool,
}

impl<'a> Write<'a> {
    fn start(device: &'a Registered, entry: &Entry<'_>) -> Self {
        let line = {
            let mut progress = lock(&device.progress);
            progress.collect();
            let was_blocked = matches!(progress.state, DeviceState::Blocked { .. });
            if progress.late.len() >= MAX_LATE {
                progress.missed += 1;
                let error = DeviceError("the device is blocked".to_owned());
                return Self { device, completion: None, result: Some(Err(error)), was_blocked };
            }
            was_blocked
        };
        let completion = Some(device.device.write(device.formatter.line(entry)));
        Self { device, completion, result: None, was_blocked: line }
    }

    fn poll(&mut self, context: &mut Context<'_>, now: Timestamp) {
        let Some(completion) = &mut self.completion else { return };
        if let Poll::Ready(result) = completion.as_mut().poll(context) {
            self.completion = None;
            lock(&self.device.progress).finished(&result, Some(now));
            self.result = Some(result);
        }
    }

    /// What is not written by now goes on without anybody waiting.
    fn leave(self, now: Timestamp) {
        let Some(completion) = self.completion else { return };
        let mut progress = lock(&self.device.progress);
        if progress.state == DeviceState::Working {
            progress.state = DeviceState::Blocked { since: now };
        }
        progress.late.push_back(completion);
    }
}

impl Progress {
    /// Looks which of the lines that nobody waits for are written.
    fn collect(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        while let Some(late) = self.late.front_mut() {
            let Poll::Ready(result) = late.as_mut().poll(&mut context) else { return };
            self.late.pop_front();
            self.finished(&result, None);
        }
    }

    fn finished(&mut self, result: &Result<(), DeviceError>, now: Option<Timestamp>) {
        match result {
            Ok(()) => self.state = DeviceState::Working,
            Err(error) => {
                self.missed += 1;
                let since = match (&self.state, now) {
                    (DeviceState::Failing { since, .. } | DeviceState::Blocked { since }, _) => *since,
                    (DeviceState::Working, Some(now)) => now,
                    // A late line that fails after the device was well again.
                    (DeviceState::Working, None) => return,
                };
                self.state = DeviceState::Failing { since, error: error.0.clone() };
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
