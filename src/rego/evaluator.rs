//! Who answers what the judge asks of Rego: the program as its own child, or nobody.

#[cfg(feature = "rego")]
use std::path::PathBuf;

#[cfg(feature = "rego")]
use super::parent::reply;
#[cfg(feature = "rego")]
use super::wire::{Reply, Request};
use crate::policy::Rego;
#[cfg(feature = "rego")]
use crate::verify::question_digest;
use crate::verify::{Answer, Answers, Decided, Judgement, Question, Supposed, Unanswered, Verdict, judge};

/// Runs the Rego of policies, or knows that it cannot.
#[derive(Debug, Clone, Default)]
pub struct Evaluator {
    #[cfg(feature = "rego")]
    program: Option<PathBuf>,
}

/// Something wrong with a module, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Line and column of the module, from 1, where that is known.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub text: String,
}

/// Why a module could not be run to its end: no verdict follows from that.
#[derive(Debug, thiserror::Error)]
pub enum RegoError {
    /// This program has no evaluator.
    #[error("the policy says more in Rego, and this program cannot run it")]
    NoEvaluator,
    /// The child cannot be started.
    #[error("the policy's Rego cannot be run: {program}: {error}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        error: std::io::Error,
    },
    /// The child was still running.
    #[error("the policy's Rego was stopped: it ran longer than {seconds} s")]
    TimedOut {
        /// The limit.
        seconds: u64,
    },
    /// The child did not end by itself.
    #[error("the policy's Rego was stopped ({how}): it may take {seconds} s of processor time and {megabytes} MiB")]
    Stopped {
        /// How it ended.
        how: String,
        /// The limit on processor time.
        seconds: u64,
        /// The limit on memory.
        megabytes: u64,
    },
    /// A module says more than anybody reads.
    #[error("the policy's Rego says too much: {0}")]
    TooMuch(String),
    /// What the child said is no answer to what it was asked.
    #[error("what ran the policy's Rego gave no answer to what it was asked")]
    NoAnswer,
}

impl Evaluator {
    /// Returns the evaluator that runs this program, which must be an `evidence` of the same version, as its child.
    #[cfg(feature = "rego")]
    #[must_use]
    pub const fn of_program(program: PathBuf) -> Self {
        Self { program: Some(program) }
    }

    /// Returns the evaluator that runs nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            #[cfg(feature = "rego")]
            program: None,
        }
    }

    /// Judges a change, after running what its policies say in Rego. Without any, nothing is run.
    ///
    /// # Errors
    /// See [`RegoError`]: then there is no verdict.
    pub fn judge(&self, judgement: &Judgement<'_>) -> Result<Decided, RegoError> {
        self.answered(|answers| judge(judgement, answers))
    }

    /// Judges a change as if another policy had been in force, after running what that one says in Rego.
    ///
    /// # Errors
    /// See [`RegoError`].
    pub fn suppose(&self, supposed: &Supposed, judgement: &Judgement<'_>) -> Result<Verdict, RegoError> {
        self.answered(|answers| supposed.judge(judgement.clone(), answers))
    }

    fn answered<T>(&self, judged: impl Fn(&Answers) -> Result<T, Unanswered>) -> Result<T, RegoError> {
        let mut answers = Answers::default();
        let Unanswered { questions } = match judged(&answers) {
            Ok(verdict) => return Ok(verdict),
            Err(unanswered) => unanswered,
        };
        for question in &questions {
            answers.add(self.ask(question)?);
        }
        // The same judgement asks the same; what it did not get an answer to is no verdict.
        judged(&answers).map_err(|_| RegoError::NoAnswer)
    }

    #[cfg(feature = "rego")]
    fn ask(&self, question: &Question) -> Result<Answer, RegoError> {
        let request = Request::Evaluate { rego: question.rego().text(), input: question.input() };
        let (digest, said) = match self.reply(&request)? {
            Reply::Said { question, said } => (question, said),
            Reply::TooMuch(text) => return Err(RegoError::TooMuch(text)),
            Reply::Checked { .. } => return Err(RegoError::NoAnswer),
        };
        question.answered(&digest, said).ok_or(RegoError::NoAnswer)
    }

    #[cfg(not(feature = "rego"))]
    fn ask(&self, _: &Question) -> Result<Answer, RegoError> {
        Err(RegoError::NoEvaluator)
    }

    /// Parses a module and says what is wrong with it, without an input.
    ///
    /// # Errors
    /// See [`RegoError`].
    #[cfg(feature = "rego")]
    pub fn check(&self, rego: &Rego) -> Result<Option<Mistake>, RegoError> {
        let wanted = question_digest(rego.text().as_bytes(), b"");
        match self.reply(&Request::Check { rego: rego.text() })? {
            Reply::Checked { question, mistake } if question == wanted => Ok(mistake),
            Reply::Said { .. } | Reply::Checked { .. } | Reply::TooMuch(_) => Err(RegoError::NoAnswer),
        }
    }

    /// Parses a module and says what is wrong with it, without an input.
    ///
    /// # Errors
    /// See [`RegoError`].
    #[cfg(not(feature = "rego"))]
    pub fn check(&self, _: &Rego) -> Result<Option<Mistake>, RegoError> {
        Err(RegoError::NoEvaluator)
    }

    #[cfg(feature = "rego")]
    fn reply(&self, request: &Request<'_>) -> Result<Reply, RegoError> {
        reply(self.program.as_ref().ok_or(RegoError::NoEvaluator)?, request)
    }
}
