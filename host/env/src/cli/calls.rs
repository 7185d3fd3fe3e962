//! `azr-env exec | validate | verify | prompt`: lines of requests and of answers.

use anyhow::Result;
use clap::Args;

use super::lines;
use crate::{
    calls::{
        ExecRequest, PromptAnswer, PromptRequest, ValidateAnswer, ValidateRequest, VerifyAnswer, VerifyRequest, exec,
        prompt, validate, verify,
    },
    load::Load,
};

#[derive(Args)]
pub struct Exec {
    #[command(flatten)]
    load: Load,
}

#[derive(Args)]
pub struct Validate {
    #[command(flatten)]
    load: Load,
}

#[derive(Args)]
pub struct Verify {
    #[command(flatten)]
    load: Load,
}

#[derive(Args)]
pub struct Prompts {
    #[command(flatten)]
    load: Load,
}

impl Exec {
    pub(super) fn run(self) -> Result<()> {
        let env = self.load.load()?;
        lines::answer(&env, |requests: &[ExecRequest]| exec(&env, requests))
    }
}

impl Validate {
    pub(super) fn run(self) -> Result<()> {
        let env = self.load.load()?;
        lines::answer(&env, |requests: &[ValidateRequest]| validate(&env, requests, ValidateAnswer::from))
    }
}

impl Verify {
    pub(super) fn run(self) -> Result<()> {
        let env = self.load.load()?;
        lines::answer(&env, |requests: &[VerifyRequest]| verify(&env, requests, VerifyAnswer::from))
    }
}

impl Prompts {
    pub(super) fn run(self) -> Result<()> {
        let env = self.load.load()?;
        lines::answer(&env, |requests: &[PromptRequest]| {
            requests.iter().map(|request| Ok(prompt(&env, request)?.into())).collect::<Vec<Result<PromptAnswer>>>()
        })
    }
}
