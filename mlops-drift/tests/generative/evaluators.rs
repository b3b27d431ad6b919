//! What evaluators say of responses.

use std::collections::BTreeSet;

use mlops_core::Error;
use mlops_drift::generative::{
    Characters, ContextOverlap, Evaluator, Exchange, JsonValidity, Keywords, Language, Length,
    Refusal, Repetition, Score,
};

use super::{assert_close, score_of};

fn number(evaluator: &dyn Evaluator, response: &str, name: &str) -> Option<f64> {
    match score_of(evaluator, &Exchange::new(response), name)? {
        Score::Bounded(value) | Score::Number(value) => Some(value),
        Score::YesNo(yes) => Some(f64::from(u8::from(yes))),
        other => panic!("{other:?}"),
    }
}

#[test]
fn length() {
    for (response, expected) in [
        ("", [0.0, 0.0, 0.0]),
        ("   \n", [4.0, 0.0, 0.0]),
        ("Hello, world! How's it?", [23.0, 4.0, 2.0]),
        ("größe", [5.0, 1.0, 1.0]),
        ("👍👍", [2.0, 0.0, 0.0]),
    ] {
        let names = ["response_characters", "response_words", "response_sentences"];
        let counts = names.map(|name| number(&Length::new(), response, name).unwrap());
        assert_eq!(counts, expected, "{response}");
    }
}

#[test]
fn json() {
    let plain = JsonValidity::new([]).unwrap();
    let keys = JsonValidity::new(["name", "größe", "tags"]).unwrap();
    for (response, valid, share) in [
        ("", 0.0, 0.0),
        ("{}", 1.0, 0.0),
        (" [1, 2] ", 1.0, 0.0),
        ("null", 1.0, 0.0),
        (r#"{"name": 1, "größe": {"tags": 2}, "name": 3}"#, 1.0, 2.0 / 3.0),
        (r#"{"n\u0061me": 1, "größe": null, "tags": [], "more": 0}"#, 1.0, 1.0),
        (r#"{"name": 1, "größe": 2, "tags": 3"#, 0.0, 0.0),
        (r#"{"name": 1,}"#, 0.0, 0.0),
        ("```json\n{}\n```", 0.0, 0.0),
        (r#"{"name": NaN}"#, 0.0, 0.0),
        (r#"{"name": 1} {}"#, 0.0, 0.0),
        ("{'name': 1}", 0.0, 0.0),
    ] {
        assert_eq!(number(&plain, response, "json_valid"), Some(valid), "{response}");
        assert_eq!(number(&keys, response, "json_valid"), Some(valid), "{response}");
        assert_eq!(number(&keys, response, "json_keys"), Some(share), "{response}");
    }
    assert_eq!(plain.scores().len(), 1);
    let error = JsonValidity::new(["a", "a"]).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument { .. }) && error.to_string().contains("`a`"));
}

#[test]
fn refusals() {
    let refusal = Refusal::new();
    for response in [
        "I'm sorry, but I can't help with that.",
        "I’m sorry — but I CAN’T assist with this request.",
        "Unfortunately, I am unable to provide medical advice.",
        "Es tut mir leid, aber ich kann dazu nichts sagen.",
        "Dabei kann ich Ihnen nicht helfen.",
        "Désolé, mais je ne peux pas vous aider.",
        "Lo siento, pero no puedo ayudarte con eso.",
        "Mi dispiace, ma non posso farlo.",
        "Desculpe, mas não posso ajudar com isso.",
        "Daar kan ik u niet mee helpen.",
    ] {
        assert_eq!(number(&refusal, response, "refusal"), Some(1.0), "{response}");
    }
    let late = format!("{} I can't help with that.", "word ".repeat(60));
    for response in [
        "",
        "Sure, here is how to do it.",
        "You can't help with the dishes? I can.",
        "Sorry for the delay. The answer is 42.",
        "Ich kann dir helfen.",
        "Puedo ayudarte.",
        &late,
    ] {
        assert_eq!(number(&refusal, response, "refusal"), Some(0.0), "{response}");
    }
    let own = Refusal::with_phrases(["Nope!"]).unwrap();
    assert_eq!(number(&own, "NOPE, never", "refusal"), Some(1.0));
    assert_eq!(number(&own, "Nopes", "refusal"), Some(0.0));
    assert_ne!(own.version(), refusal.version());
    for phrases in [vec![], vec!["fine", "..."]] {
        assert!(Refusal::with_phrases(phrases).is_err());
    }
}

#[test]
fn languages() {
    let language = |response: &str| {
        let names = ["script", "language"];
        names.map(|name| match score_of(&Language::new(), &Exchange::new(response), name) {
            Some(Score::Category(name)) => name.into_owned(),
            None => "none".to_owned(),
            other => panic!("{other:?}"),
        })
    };
    for (response, script, expected) in [
        ("The answer to this is that you can not do it with the tools we have.", "Latn", "en"),
        ("Das ist nicht die Antwort, die ich für dich auf der Seite gefunden habe.", "Latn", "de"),
        (
            "Je ne suis pas sûr que ce soit la réponse, mais il y a une page sur le sujet.",
            "Latn",
            "fr",
        ),
        (
            "El resultado es que no se puede hacer con las herramientas que hay en la caja.",
            "Latn",
            "es",
        ),
        (
            "Non è la risposta che si trova nel libro, ma anche questa è una della lista.",
            "Latn",
            "it",
        ),
        (
            "Não é o que foi dito em uma das respostas, mas também pode ser para os outros.",
            "Latn",
            "pt",
        ),
        (
            "Het is niet de vraag of dat kan, maar wat er met een antwoord van hem wordt gedaan.",
            "Latn",
            "nl",
        ),
        ("Это не то, что он хотел, но так как они все были там, мы пошли.", "Cyrl", "ru"),
        ("Це не те, що він хотів, але вони є там і до того ж або так, або ні.", "Cyrl", "uk"),
        ("これは日本語の文章です。", "Hrkt", "ja"),
        ("東京都は日本の首都である", "Hani", "ja"),
        ("这是中文的句子。", "Hani", "zh"),
        ("이것은 한국어 문장입니다.", "Hang", "ko"),
        ("Αυτή είναι μια πρόταση.", "Grek", "el"),
        ("זהו משפט בעברית.", "Hebr", "he"),
        ("นี่คือประโยคภาษาไทย", "Thai", "th"),
        ("هذه جملة باللغة العربية", "Arab", "und"),
        ("fn main() { println!(\"x\"); }", "Latn", "und"),
        ("Yes.", "Latn", "und"),
        ("1 + 1 = 2", "none", "und"),
        ("", "none", "und"),
    ] {
        assert_eq!(language(response), [script, expected], "{response}");
    }
    let share = number(&Language::new(), "abcd ефг", "script_share");
    assert_close(share.unwrap(), 4.0 / 7.0, 1e-15);
    assert_eq!(number(&Language::new(), "12", "script_share"), None);
}

#[test]
fn repetition() {
    let repetition = |n, response| number(&Repetition::new(n).unwrap(), response, "repetition");
    assert_eq!(repetition(1, "a b a B"), Some(0.5));
    assert_eq!(repetition(2, "a b a b"), Some(1.0 / 3.0));
    assert_eq!(repetition(4, "a b c"), None);
    assert_eq!(repetition(4, "a b c d"), Some(0.0));
    assert_close(repetition(4, &"so it goes on ".repeat(100)).unwrap(), 1.0 - 4.0 / 397.0, 1e-15);
    for n in [0, 17] {
        assert!(matches!(Repetition::new(n), Err(Error::InvalidArgument { .. })));
    }
    assert_ne!(Repetition::new(3).unwrap().version(), Repetition::new(4).unwrap().version());
}

#[test]
fn characters() {
    let share = |response| number(&Characters::new(), response, "non_letter_share");
    assert_eq!((share("ab 12"), share("größe"), share("!?")), (Some(0.5), Some(0.0), Some(1.0)));
    assert_eq!((share(""), share(" \n")), (None, None));
}

#[test]
fn overlap_with_the_context() {
    let overlap = |response, context| {
        let mut exchange = Exchange::new(response);
        exchange.context = context;
        match score_of(&ContextOverlap::new(), &exchange, "context_overlap") {
            Some(Score::Bounded(share)) => Some(share),
            None => None,
            other => panic!("{other:?}"),
        }
    };
    let context = Some("The Eiffel Tower was finished in 1889 in Paris.");
    assert_eq!(overlap("The TOWER was finished in 1889", context), Some(1.0));
    assert_eq!(overlap("The tower: rebuilt in 1990", context), Some(1.0 / 3.0));
    assert_eq!(overlap("It is so", context), None);
    assert_eq!(overlap("The tower", Some("")), Some(0.0));
    assert_eq!(overlap("The tower", None), None);
    assert_eq!(overlap("東京", Some("東西")), Some(0.5));
}

#[test]
fn keywords() {
    let list = Keywords::new("insults", ["Dolt", "don’t", "İstanbul"]).unwrap();
    let count = |response| number(&list, response, "insults").unwrap();
    assert_eq!(count("You DOLT! A dolt, a doltish one. Don't."), 3.0);
    assert_eq!(count("istanbul"), 0.0);
    assert_eq!((count("İSTANBUL"), count("")), (1.0, 0.0));
    let named = |list: &[&str]| Keywords::new("x", list.iter().copied()).unwrap_err().to_string();
    assert!(named(&["two words"]).contains("`two words`"));
    assert!(named(&["ok", ""]).contains("``"));
    assert!(named(&[]).contains("none"));
    let version = |list: [&str; 2]| Keywords::new("x", list).unwrap().version().to_owned();
    assert_eq!(version(["a", "b"]), version(["B", "A"]));
    assert_ne!(version(["a", "b"]), version(["a", "c"]));
}

#[test]
fn names_and_versions_are_set() {
    let evaluators: [Box<dyn Evaluator>; 8] = [
        Box::new(Length::new()),
        Box::new(JsonValidity::new(["a"]).unwrap()),
        Box::new(Refusal::new()),
        Box::new(mlops_drift::generative::PiiHits::new()),
        Box::new(Language::new()),
        Box::new(Repetition::new(4).unwrap()),
        Box::new(Characters::new()),
        Box::new(ContextOverlap::new()),
    ];
    let names = evaluators.iter().flat_map(|evaluator| evaluator.scores());
    let names: Vec<_> = names.map(|spec| spec.name.to_string()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    assert!(evaluators.iter().all(|evaluator| !evaluator.version().is_empty()));
}
