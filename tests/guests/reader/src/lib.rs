//! A judge that asks for the directory `corpus` and reads what an attempt says. What came of it is the answer of the
//! verdict.

use azr_guest_sdk::{
    Attempt, Context, Description, Environment, Limits, Prompt, Report, Task, Verdict, files, kind, prompt,
};

struct Reader;

impl Environment for Reader {
    fn describe() -> Description {
        assert!(files::read("corpus", "a.txt").is_err(), "nothing can be read before it is granted");
        Description {
            name: "reader".into(),
            version: "0.1.0".into(),
            kinds: vec![kind("file", "What does the file hold?")],
            settings: Vec::new(),
            limits: Limits { run_fuel: 1000, run_memory_max_bytes: 1000, run_output_max_bytes: 1000 },
            directories: vec!["corpus".into()],
        }
    }

    fn seeds(_: &Context) -> Vec<Task> {
        Vec::new()
    }

    fn solve_prompt(_: &Context, _: &Task) -> Prompt {
        prompt::question("")
    }

    fn judge_answer(_: &Context, attempt: &Attempt, _: &[Report]) -> Verdict {
        let words: Vec<&str> = attempt.completion.split(' ').collect();
        let answer = match words[..] {
            ["read", directory, path] => {
                files::read(directory, path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            }
            ["names", directory, path] => files::names(directory, path).map(|names| names.join(" ")),
            // Until it is refused.
            ["flood", directory, path] => loop {
                if let Err(refusal) = files::read(directory, path) {
                    break Err(refusal);
                }
            },
            _ => panic!("{words:?}"),
        };
        let answer = answer.unwrap_or_else(|refusal| format!("refused: {refusal}"));
        Verdict { score: 0.0, well_formed: true, answer, reason: String::new() }
    }
}

azr_guest_sdk::export!(Reader);
