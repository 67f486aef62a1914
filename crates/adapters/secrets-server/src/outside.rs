//! What auth methods ask of the world outside: other servers over HTTP, the pod, time of processors.

use logical::{Error, Pending};
use login::{Fetch, FetchError, Fetching, Incoming, Job, Outgoing, Pod, Workers};
use reqwest::Client;
use reqwest::redirect::Policy;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Jobs that are done or wait; more are refused.
const MAX_JOBS: usize = 256;
const TIMEOUT: Duration = Duration::from_secs(10);
/// Clients with authorities of their own that are kept.
const MAX_CLIENTS: usize = 64;
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Runs jobs on threads of their own, as many at once as there are processors.
pub(crate) struct Threads {
    waiting: Semaphore,
    running: Arc<Semaphore>,
}

impl Threads {
    pub(crate) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self { waiting: Semaphore::new(MAX_JOBS), running: Arc::new(Semaphore::new(processors)) }
    }

    async fn do_it(&self, job: Job) -> Result<(), Error> {
        let busy = || Error::TooMany("too many logins at once".to_owned());
        let _waits = self.waiting.try_acquire().map_err(|_| busy())?;
        let permit = Arc::clone(&self.running).acquire_owned().await.map_err(Error::internal)?;
        let done = tokio::task::spawn_blocking(move || {
            job();
            drop(permit);
        });
        done.await.map_err(Error::internal)
    }
}

impl Workers for Threads {
    fn run(&self, job: Job) -> Pending<'_, ()> {
        Box::pin(self.do_it(job))
    }
}

/// Asks over HTTP. The system's certificates are read when they are first needed.
#[derive(Default)]
pub(crate) struct Web {
    clients: Mutex<BTreeMap<Option<String>, Client>>,
}

impl Web {
    fn client(&self, authorities: Option<&str>) -> Result<Client, FetchError> {
        let key = authorities.map(str::to_owned);
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let mut builder = Client::builder().redirect(Policy::none()).timeout(TIMEOUT);
        if let Some(pem) = authorities {
            let config = trust::client(pem.as_bytes()).map_err(|error| FetchError(error.to_string()))?;
            builder = builder.tls_backend_preconfigured(config);
        }
        let client = builder.build().map_err(|error| FetchError(error.to_string()))?;
        if clients.len() >= MAX_CLIENTS {
            clients.clear();
        }
        clients.insert(key, client.clone());
        Ok(client)
    }

    async fn ask(&self, request: Outgoing) -> Result<Incoming, FetchError> {
        if !request.server_names.is_empty() {
            return Err(FetchError("names of the server other than that of its address are not supported".to_owned()));
        }
        let client = self.client(request.ca_pem.as_deref())?;
        let mut asked = match request.body {
            Some((content_type, body)) => {
                client.post(&request.url).header("content-type", content_type).body(body.to_vec())
            }
            None => client.get(&request.url),
        };
        if let Some(authorization) = &request.authorization {
            asked = asked.header("authorization", authorization.as_str());
        }
        let failed = |error: reqwest::Error| FetchError(error.without_url().to_string());
        let mut answer = asked.send().await.map_err(failed)?;
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(failed)? {
            body.extend_from_slice(&part);
            if body.len() > request.max_bytes {
                return Err(FetchError(format!("the answer has more than {} bytes", request.max_bytes)));
            }
        }
        Ok(Incoming { status, body })
    }
}

impl Fetch for Web {
    fn fetch(&self, request: Outgoing) -> Fetching<'_> {
        Box::pin(self.ask(request))
    }
}

/// The pod that the server runs in, if it does.
pub(crate) struct OwnPod;

impl Pod for OwnPod {
    fn token(&self) -> Option<Zeroizing<String>> {
        std::fs::read_to_string(format!("{ACCOUNT}/token")).ok().map(Zeroizing::new)
    }

    fn authorities(&self) -> Option<String> {
        std::fs::read_to_string(format!("{ACCOUNT}/ca.crt")).ok()
    }
}
