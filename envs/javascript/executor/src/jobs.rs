//! What promises wait for. Functions that are called for a result never come to it; whole programs (`run_code.js`) run it to
//! its end.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use boa_engine::builtins::promise::{OperationType, Promise, PromiseState};
use boa_engine::context::HostHooks;
use boa_engine::job::{Job, JobExecutor, PromiseJob};
use boa_engine::object::builtins::JsPromise;
use boa_engine::{Context, JsError, JsObject, JsResult, JsValue};

/// The queue of microtasks.
#[derive(Default)]
pub(crate) struct Microtasks(RefCell<VecDeque<PromiseJob>>);

impl JobExecutor for Microtasks {
    fn enqueue_job(self: Rc<Self>, job: Job, _context: &mut Context) {
        // Jobs of other kinds belong to timers and to modules that are loaded, which there are not.
        if let Job::PromiseJob(job) = job {
            self.0.borrow_mut().push_back(job);
        }
    }

    fn run_jobs(self: Rc<Self>, context: &mut Context) -> JsResult<()> {
        loop {
            let Some(job) = self.0.borrow_mut().pop_front() else { return Ok(()) };
            job.call(context)?;
        }
    }
}

thread_local! {
    /// Promises that were rejected and that nobody handles.
    static UNHANDLED: RefCell<Vec<JsObject<Promise>>> = const { RefCell::new(Vec::new()) };
}

/// Keeps count of them.
pub(crate) struct Rejections;

impl HostHooks for Rejections {
    fn promise_rejection_tracker(&self, promise: &JsObject<Promise>, operation: OperationType, _context: &mut Context) {
        UNHANDLED.with_borrow_mut(|unhandled| match operation {
            OperationType::Reject => unhandled.push(promise.clone()),
            OperationType::Handle => unhandled.retain(|other| !JsObject::equals(other, promise)),
        });
    }
}

/// Runs microtasks until there are none, and throws what the first promise was rejected with that nobody handles.
pub(crate) fn settle(_this: &JsValue, _arguments: &[JsValue], context: &mut Context) -> JsResult<JsValue> {
    context.run_jobs()?;
    let Some(first) = UNHANDLED.take().into_iter().next() else { return Ok(JsValue::undefined()) };
    match JsPromise::from_object(first.upcast())?.state() {
        PromiseState::Rejected(reason) => Err(JsError::from_opaque(reason)),
        PromiseState::Pending | PromiseState::Fulfilled(_) => unreachable!("a promise is settled once"),
    }
}
