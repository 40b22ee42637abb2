use super::*;

/// Numbers that are the same in each run; from Marsaglia's paper on xorshift generators.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn maybe(&mut self) -> bool {
        self.below(2) == 0
    }

    /// A text of pieces that a field could take for something else.
    fn text(&mut self) -> String {
        const PIECES: [&str; 18] = [
            "",
            " ",
            "a",
            "--flag",
            "=",
            "\"",
            "\\",
            "\n",
            "\r",
            "\\n",
            "é",
            "\t",
            "{instructions}",
            "{instructions_file}",
            "{config_file}",
            "C:\\new",
            "\u{a0}",
            "^> (.*)$",
        ];
        let count = self.below(4);
        (0..count)
            .map(|_| PIECES[self.below(PIECES.len())])
            .collect()
    }

    fn texts(&mut self) -> Vec<String> {
        let count = self.below(4);
        (0..count).map(|_| self.text()).collect()
    }

    fn name(&mut self) -> String {
        ["A", "B_1", "_c", "LONG_NAME"][self.below(4)].to_owned()
    }

    fn variables(&mut self) -> BTreeMap<String, String> {
        let count = self.below(3);
        (0..count).map(|_| (self.name(), self.text())).collect()
    }

    fn given(&mut self) -> Option<String> {
        self.maybe().then(|| self.text())
    }

    fn definition(&mut self) -> AgentDefinition {
        let common = AgentDefinition {
            name: "Mine".to_owned(),
            program: ["", "mine", "/opt/my own/mine"][self.below(3)].to_owned(),
            args: self.texts(),
            env: self.variables(),
            secrets: (0..self.below(3)).map(|_| self.name()).collect(),
            ..AgentDefinition::default()
        };
        if self.below(4) == 0 {
            return AgentDefinition {
                like: "claude".parse().ok(),
                ..common
            };
        }
        let flag = ["--flag", "", " ", "\"x\""][self.below(4)].to_owned();
        let place = [INSTRUCTIONS, INSTRUCTIONS_FILE][self.below(2)].to_owned();
        let instructions = match self.below(6) {
            0 => None,
            1 => Some((vec![place], BTreeMap::new())),
            2 => Some((vec![flag.clone(), place], BTreeMap::new())),
            3 => Some((Vec::new(), BTreeMap::from([(self.name(), place)]))),
            4 => Some((self.texts(), self.variables())),
            _ => Some((self.texts(), BTreeMap::new())),
        };
        let mcp = match self.below(5) {
            0 => None,
            1 => Some(vec![CONFIG_FILE.to_owned()]),
            2 => Some(vec![flag, CONFIG_FILE.to_owned()]),
            _ => Some(self.texts()),
        };
        AgentDefinition {
            version_args: self.texts(),
            acp_args: self.maybe().then(|| self.texts()),
            instructions: instructions.map(|(args, env)| InstructionsRule { args, env }),
            mcp: mcp.map(|args| McpRule {
                args,
                env: if self.maybe() {
                    self.variables()
                } else {
                    BTreeMap::new()
                },
                each_stdio: if self.maybe() {
                    self.texts()
                } else {
                    Vec::new()
                },
                each_http: if self.maybe() {
                    self.texts()
                } else {
                    Vec::new()
                },
            }),
            permission_modes: (0..self.below(3))
                .map(|_| ModeDefinition {
                    id: self.name(),
                    name: self.name(),
                    description: self.name(),
                    unchecked: self.maybe(),
                    args: self.texts(),
                    env: self.variables(),
                })
                .collect(),
            screen: ScreenDefinition {
                settle_ms: self.maybe().then_some(300),
                prompt: self.given(),
                placeholder: self.given(),
                busy: self.texts(),
                echo: self.given(),
                bullet: self.given(),
                noise: self.texts(),
                reads_lines: self.maybe(),
                interrupt: [None, Some(InterruptKey::Escape), Some(InterruptKey::CtrlC)]
                    [self.below(3)],
            },
            ..common
        }
    }
}

#[test]
fn a_form_loses_nothing_of_any_definition() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for _ in 0..20_000 {
        let definition = numbers.definition();
        let form = Form::of("mine", &definition);
        assert_eq!(form.definition(), definition, "{form:#?}");
        assert_eq!(Form::of("mine", &form.definition()), form);
    }
}

fn fields(form: &Form) -> Vec<String> {
    let problems = form.problems().into_iter();
    problems.map(|problem| problem.field).collect()
}

fn form() -> Form {
    Form {
        name: "Mine".to_owned(),
        id: "mine".to_owned(),
        program: "mine".to_owned(),
        ..Form::default()
    }
}

#[test]
fn a_line_is_an_argument_as_it_stands_and_nothing_splits_it() {
    let form = Form {
        args: "--say\nhello there  \n\n$HOME *\nC:\\new\n\"\"\n\"two\\nlines\"\n\"not closed"
            .to_owned(),
        env: "A=1\n B =x=y \nEMPTY=\nTWO=\"a\\nb\"".to_owned(),
        ..form()
    };
    assert_eq!(
        form.definition().args,
        [
            "--say",
            "hello there  ",
            "$HOME *",
            "C:\\new",
            "",
            "two\nlines",
            "\"not closed"
        ]
    );
    let env: Vec<_> = form.definition().env.into_iter().collect();
    let pairs = [("A", "1"), ("B", "x=y "), ("EMPTY", ""), ("TWO", "a\nb")];
    assert_eq!(env, pairs.map(|(a, b)| (a.to_owned(), b.to_owned())));
}

#[test]
fn friendly_choices_write_the_placeholders_and_are_found_again() {
    let giving = |way| Giving {
        way,
        flag: " --file ".to_owned(),
        variable: "RULES".to_owned(),
        ..Giving::default()
    };
    let args = |way| giving(way).instructions().map(|rule| rule.args);
    assert_eq!(args(Way::Nothing), None);
    assert_eq!(
        args(Way::Argument),
        Some(vec!["--file".to_owned(), INSTRUCTIONS.to_owned()])
    );
    assert_eq!(
        args(Way::File),
        Some(vec!["--file".to_owned(), INSTRUCTIONS_FILE.to_owned()])
    );
    let rule = giving(Way::Variable).instructions().expect("it is one");
    assert_eq!(rule.env["RULES"], INSTRUCTIONS);
    assert_eq!(Giving::of_instructions(&rule).way, Way::Variable);
    let rule = giving(Way::File).servers().expect("it is one");
    assert_eq!(rule.args, ["--file", CONFIG_FILE]);
    assert_eq!(Giving::of_servers(&rule).way, Way::File);
    let bare = Giving {
        way: Way::Argument,
        ..Giving::default()
    };
    assert_eq!(bare.instructions().expect("it is one").args, [INSTRUCTIONS]);
}

#[test]
fn a_variant_leaves_out_what_the_form_still_holds() {
    let form = Form {
        like: "claude".to_owned(),
        acp: true,
        version_args: "--version".to_owned(),
        screen: Screen {
            prompt: "^>".to_owned(),
            settle_ms: "many".to_owned(),
            ..Screen::default()
        },
        modes: vec![Mode::default()],
        ..form()
    };
    assert_eq!(fields(&form), [] as [&str; 0]);
    assert_eq!(form.definition().permission_modes, []);
}

#[test]
fn what_is_wrong_is_said_at_the_field_that_shows_it() {
    let wrong = Form {
        id: "My Agent".to_owned(),
        args: "fine\n\nbad\0".to_owned(),
        env: "NOT ONE\nBERTH_X=1".to_owned(),
        secrets: vec![SecretRow {
            value: "two\nlines".to_owned(),
            ..SecretRow::default()
        }],
        instructions: Giving {
            way: Way::Variable,
            variable: "1".to_owned(),
            ..Giving::default()
        },
        mcp: Giving {
            way: Way::Each,
            ..Giving::default()
        },
        modes: vec![Mode {
            unchecked: true,
            env: "A=1\nA=2".to_owned(),
            ..Mode::default()
        }],
        screen: Screen {
            settle_ms: "soon".to_owned(),
            placeholder: "Type".to_owned(),
            ..Screen::default()
        },
        ..form()
    };
    let problems = wrong.problems();
    let told: Vec<_> = problems
        .iter()
        .map(|problem| problem.field.as_str())
        .collect();
    assert_eq!(
        told,
        [
            "id",
            "secrets[0].value",
            "env",
            "permission_modes[0].env",
            "screen.settle_ms",
            "args",
            "env",
            "secrets[0]",
            "instructions.variable",
            "mcp.each_stdio",
            "permission_modes[0].id",
            "permission_modes[0].name",
            "permission_modes[0].unchecked",
            "screen.placeholder",
        ]
    );
    let said = |field: &str| {
        let mut all = problems.iter().filter(|problem| problem.field == field);
        all.next().map(|problem| problem.message.as_str())
    };
    assert_eq!(
        said("args"),
        Some("Line 3: It is too long or holds a NUL character.")
    );
    assert_eq!(said("env"), Some("Line 1: Write it as NAME=value."));
    assert_eq!(
        problems[6].message,
        "BERTH_X: Names that begin with BERTH_ are Berth's own."
    );

    // As the engine tells what only it can know.
    let told = |field: &str| FieldProblem {
        field: field.to_owned(),
        message: "No.".to_owned(),
    };
    let form = Form {
        screen: Screen {
            busy: "a\n\n(".to_owned(),
            ..Screen::default()
        },
        ..form()
    };
    let placed = form.placed(vec![told("screen.prompt"), told("screen.busy[1]")]);
    assert_eq!(placed[0], told("screen.prompt"));
    assert_eq!(
        (placed[1].field.as_str(), placed[1].message.as_str()),
        ("screen.busy", "Line 3: No.")
    );
}

#[test]
fn a_name_makes_an_id_that_is_free() {
    let none: [String; 0] = [];
    assert_eq!(id_from("My Agent (beta)", &none), "my-agent-beta");
    assert_eq!(id_from("  --_x--  ", &none), "_x");
    assert_eq!(id_from("日本", &none), "");
    let long = id_from(&"long name ".repeat(9), &none);
    assert!(long.parse::<AgentId>().is_ok(), "{long}");
    let taken = ["mine".to_owned(), "mine-2".to_owned()];
    assert_eq!(id_from("Mine", &taken), "mine-3");
    let taken = [long.clone()];
    let other = id_from(&"long name ".repeat(9), &taken);
    assert!(other.parse::<AgentId>().is_ok() && other != long, "{other}");
}
