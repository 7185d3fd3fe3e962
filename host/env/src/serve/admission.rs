//! Who is let in: how much may wait at once, altogether and for each client.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use clap::Args;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How much may wait or run at once. What comes beyond is refused with 429 and may be asked again.
#[derive(Args, Clone)]
pub(super) struct Capacity {
    /// Items in all: a request, or one of a batch.
    #[arg(long, value_name = "N", default_value_t = 8192, value_parser = clap::value_parser!(u32).range(1..))]
    queue_max: u32,
    /// Items of one client, which is an address. Keeps one from taking the queue for itself.
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..))]
    client_max: u32,
    /// Bodies of requests in all, which are in memory. 1 GiB by default.
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30, value_parser = clap::value_parser!(u64).range(1024..))]
    queue_max_bytes: u64,
    /// One body. 64 MiB by default: tests of a programming contest fit.
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20, value_parser = clap::value_parser!(u64).range(1024..))]
    request_max_bytes: u64,
    /// Items of one batch.
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..))]
    batch_max: u32,
}

pub(super) struct Admission {
    items: Arc<Semaphore>,
    kibibytes: Arc<Semaphore>,
    clients: Mutex<HashMap<IpAddr, u32>>,
    capacity: Capacity,
}

/// A place for the body of a request.
pub(super) struct Body {
    _kibibytes: OwnedSemaphorePermit,
}

/// Places for the items of a request, until the last of them is answered.
pub(super) struct Items {
    _body: Body,
    _items: OwnedSemaphorePermit,
    count: u32,
    client: IpAddr,
    admission: Arc<Admission>,
}

/// Why somebody is not let in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Later there may be room.
    Busy(String),
    /// There will never be room.
    TooLarge(String),
}

impl Admission {
    pub(super) fn new(capacity: &Capacity) -> Self {
        let kibibytes = usize::try_from(capacity.queue_max_bytes >> 10).unwrap_or(usize::MAX);
        Self {
            items: Arc::new(Semaphore::new(capacity.queue_max as usize)),
            kibibytes: Arc::new(Semaphore::new(kibibytes.min(Semaphore::MAX_PERMITS))),
            clients: Mutex::default(),
            capacity: capacity.clone(),
        }
    }

    /// Before a body is read.
    pub(super) fn body(&self, bytes: u64) -> Result<Body, Refused> {
        let Capacity { request_max_bytes, queue_max_bytes, .. } = self.capacity;
        if bytes > request_max_bytes.min(queue_max_bytes) {
            let limit = request_max_bytes.min(queue_max_bytes);
            return Err(Refused::TooLarge(format!(
                "the request has {bytes} bytes, the limit is {limit}; send less, or raise --request-max-bytes"
            )));
        }
        let kibibytes = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.kibibytes).try_acquire_many_owned(kibibytes);
        let busy = |_| {
            Refused::Busy(format!(
                "requests that wait leave no room for {bytes} bytes (--queue-max-bytes {queue_max_bytes})"
            ))
        };
        Ok(Body { _kibibytes: permit.map_err(busy)? })
    }

    /// Before anything of a request runs.
    pub(super) fn items(self: &Arc<Self>, body: Body, count: usize, client: IpAddr) -> Result<Items, Refused> {
        let Capacity { queue_max, client_max, batch_max, .. } = self.capacity;
        let limit = queue_max.min(client_max).min(batch_max);
        let Some(count) = u32::try_from(count).ok().filter(|count| *count <= limit) else {
            return Err(Refused::TooLarge(format!(
                "a batch of {count} items, the limit is {limit} (the least of --batch-max, --client-max and --queue-max); send \
                 several"
            )));
        };
        let items = Arc::clone(&self.items).try_acquire_many_owned(count);
        let items = items.map_err(|_| Refused::Busy(format!("{queue_max} items are waiting (--queue-max)")))?;
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let own = clients.entry(client).or_default();
        if *own + count > client_max {
            return Err(Refused::Busy(format!("{own} items of this client are waiting (--client-max {client_max})")));
        }
        *own += count;
        drop(clients);
        Ok(Items { _body: body, _items: items, count, client, admission: Arc::clone(self) })
    }

    /// Items that are waiting or running.
    pub(super) fn waiting(&self) -> usize {
        self.capacity.queue_max as usize - self.items.available_permits()
    }
}

impl Drop for Items {
    fn drop(&mut self) {
        let mut clients = self.admission.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let own = clients.get_mut(&self.client).expect("the client's items are counted until they are dropped");
        *own -= self.count;
        if *own == 0 {
            clients.remove(&self.client);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn admission() -> Arc<Admission> {
        let capacity =
            Capacity { queue_max: 5, client_max: 3, queue_max_bytes: 4096, request_max_bytes: 2048, batch_max: 3 };
        Arc::new(Admission::new(&capacity))
    }

    fn take(admission: &Arc<Admission>, count: usize, client: IpAddr) -> Result<Items, Refused> {
        admission.items(admission.body(10).unwrap(), count, client)
    }

    #[test]
    fn a_client_takes_no_more_than_its_part_and_all_no_more_than_there_is() {
        let admission = admission();
        let first = take(&admission, 2, HERE).unwrap();
        assert!(matches!(take(&admission, 2, HERE), Err(Refused::Busy(_))));
        let other = take(&admission, 3, THERE).unwrap();
        assert!(matches!(take(&admission, 1, HERE), Err(Refused::Busy(_))));
        assert_eq!(admission.waiting(), 5);
        drop((first, other));
        assert_eq!(admission.waiting(), 0);
        take(&admission, 3, HERE).unwrap();
        assert!(matches!(take(&admission, 4, HERE), Err(Refused::TooLarge(_))));
        assert!(admission.clients.lock().unwrap().is_empty());
    }

    #[test]
    fn bodies_share_the_memory() {
        let admission = admission();
        let first = admission.body(2048).unwrap();
        let _second = admission.body(2048).unwrap();
        assert!(matches!(admission.body(1), Err(Refused::Busy(_))));
        drop(first);
        assert!(admission.body(1).is_ok());
        assert!(matches!(admission.body(2049), Err(Refused::TooLarge(_))));
    }
}
