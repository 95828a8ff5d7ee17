"""Two steps of one kind of thing: something comes and goes, twice."""

from __future__ import annotations

from selfsown.corpora.problems.stories.telling import Template

THREE = {"a": (12, 120), "b": (2, 40), "c": (2, 40)}

TEMPLATES = (
    Template(
        "given twice",
        "- - a b c",
        THREE,
        (
            "{name} [has|had] {a} {things}. {He} [gives|gave] {b} to {name2} and {c} to {name3}.",
            "{name} had {a} {foods}. {He} ate {b} [on {day}|in the morning] and {c} [on {day2}|in the evening].",
            "Of {a} {things} {b} [got lost|were sold] and {c} broke.",
            (
                "{b} of {name}'s {a} {things} are at [school|work], and {c} lie at a {friend}'s house. The "
                "others are at home."
            ),
        ),
        (
            "How many [are|does {he} have] left?",
            "How many [{things} |]remain [in the end|]?",
            "How many are [still|the others|the rest]?",
        ),
    ),
    Template(
        "three came",
        "+ + a b c",
        {"a": (2, 60), "b": (2, 60), "c": (2, 60)},
        (
            "{name} [picked|sold|found] {a} {foods}, {name2} {b} and {name3} {c}.",
            "{name} has {a} red, {b} blue and {c} green {things}.",
            "{name} [ran|walked] {a} {miles} on {day}, {b} on {day2} and {c} on {day3}.",
            "There are {a} {animals}, {b} {animals2} and {c} {animals3} [on the farm|in the zoo|].",
        ),
        (
            "How many [are there|is that|are they] [in all|altogether|in total|together]?",
            "What is the sum?",
            "How many did they [all|] have together?",
        ),
        distracted=False,
    ),
    Template(
        "out and in",
        "+ - a b c",
        THREE,
        (
            (
                "{name} [has|had] {a} {things}. {He} [gives|gave|lost] {b} [away|to {name2}|of them] and "
                "[gets|got|found|bought] {c} [new ones|others|more]."
            ),
            "{a} people are on a {vehicle}. {b} get off and {c} get on.",
            "A {place} [has|had] {a} {things}. It [sells|sold] {b} and [orders|ordered|gets] {c} [new ones|more].",
            "There were {a} {animals} in the {place}. {b} [left|went away], then {c} [others|] came.",
        ),
        (
            "How many are there [now|then|in the end]?",
            "How many does that make [now|]?",
            "How many are [on it|there] [after that|now]?",
        ),
    ),
    Template(
        "in and out",
        "- + a b c",
        THREE,
        (
            (
                "{name} [has|had] {a} {things}. {He} [gets|bought|finds] {b} more and [then|later] [gives|gave] "
                "{c} [away|to {name2}]."
            ),
            "{a} passengers are in a {vehicle}. At a stop {b} get on and {c} get off.",
            "{name} picked {a} {foods} and {name2} picked {b}. They ate {c} [of them|together].",
            "In the morning {a} and in the afternoon {b} {things} were made. {c} of them were [bad|sold|broken].",
        ),
        (
            "How many [are|were|does that] [there now|left]?",
            "How many are left [in the end|]?",
            "How many [are there|remain] [then|now|]?",
        ),
    ),
    Template(
        "boxes less some",
        "- * a b c",
        {"a": (2, 20), "b": (3, 30), "c": (2, 60)},
        (
            (
                "{name} has {a} {boxes} with {b} {things} in each. {He} [gives|gave|sells|loses] {c} [of "
                "them|{things}|] [away|]."
            ),
            "Each {box} holds {b} {things}. There are {a} {boxes}. {c} {things} [are broken|are bad|fell out].",
            "{name} [bought|baked] {a} {boxes} of {b} {foods}, and {his} {friends} ate {c}.",
            "{c} of the seats in a {vehicle} with {a} rows of {b} seats are taken.",
            "{name} made {b} {foods} a day for {a} days and sold {c} of them.",
        ),
        (
            "How many [{things} |]are [left|good|free|still there]?",
            "How many does {he} have [now|left]?",
            "How many remain?",
        ),
    ),
    Template(
        "boxes and some",
        "+ * a b c",
        {"a": (2, 20), "b": (2, 30), "c": (2, 60)},
        (
            "{name} has {a} {boxes} of {b} {things} and {c} single [{things}|ones].",
            "{a} {boxes} hold {b} {things} each, and {c} more lie beside them.",
            "{name} has {c} {things}. Then {he} gets {a} {boxes} with {b} in each.",
            "{a} {vehicles} with {b} people each and {c} people on foot came to the {place}.",
            "{name} [read|learned] {b} [pages|words] a day for {a} days, and {c} [pages|words] on the last day.",
        ),
        (
            "How many [{things} |]are there [in all|altogether|in total]?",
            "How many is that [together|in all]?",
            "How many does {he} have?",
        ),
    ),
    Template(
        "shared, then some",
        "+ / a b c",
        {"a": (6, 120), "b": (2, 10), "c": (2, 30)},
        (
            "{b} {friends} share {a} {things} equally. {name} is one of them and has {c} more at home.",
            "{name} gets {c} {things}, and [one|a] share of {a} {things} that {b} {friends} divide equally.",
            "{a} {foods} are divided [evenly|equally] among {b} {friends}. [Then each|Each one] gets another {c}.",
        ),
        ("How many does [each|one|{he}] have [then|]?", "How many [is that|are they] for one?"),
    ),
    Template(
        "shared, less some",
        "- / a b c",
        {"a": (12, 200), "b": (2, 10), "c": (1, 20)},
        (
            "{b} {friends} share {a} {things} equally. {name}, one of them, [gives {c} away|loses {c}|eats {c}].",
            "{name} puts {a} {things} evenly into {b} {boxes} and takes {c} out of the first.",
            "{a} {foods} are shared equally by {b} {friends}. Each of them eats {c} [at once|].",
        ),
        (
            "How many does [each|{he}] have left?",
            "How many [are|stay] in the first one?",
            "How many are left for [one|each]?",
        ),
    ),
    Template(
        "rest shared",
        "/ - a b c",
        {"a": (12, 200), "b": (2, 60), "c": (2, 12)},
        (
            (
                "{name} has {a} {things}. {He} keeps {b} and [shares|divides] the rest [equally|evenly] among "
                "{c} {friends}."
            ),
            "Of {a} {foods} {b} are [bad|eaten]. The others are [put|packed] [equally|evenly] into {c} {boxes}.",
            (
                "{name} [ate|used|sold] {b} of {his} {a} {things}. {He} puts the others into {c} {boxes}, the "
                "same number in each."
            ),
            "{name} has read {b} of {a} pages. {He} wants to read the rest in {c} days, every day the same.",
        ),
        (
            "How many [are there|is that|come] for each?",
            "How many [does each|goes to each|are in each] [get|]?",
            "How many for each one?",
        ),
    ),
    Template(
        "sum shared",
        "/ + a b c",
        {"a": (4, 120), "b": (4, 120), "c": (2, 12)},
        (
            "{name} has {a} {things} and {name2} has {b}. They [share|divide] them equally among {c} {friends}.",
            "{a} red and {b} blue {things} are put into {c} {boxes}, equally many in each.",
            "{name} picked {a} {foods} and {b} {foods2}. {He} packs them into {boxes} of {c}.",
            "{a} [girls|women] and {b} [boys|men] form groups of {c}.",
            "From {a} {dollars} of {name} and {b} {dollars} of {name2} they buy tickets at {c} {dollars} each.",
        ),
        ("How many [is that|are that|does each get|are there]?", "How many does one get?", "What number is that?"),
    ),
    Template(
        "difference shared",
        "/ - a b c",
        {"a": (20, 300), "b": (2, 150), "c": (2, 20)},
        (
            "{name} had {a} {dollars} and has {b} left after {he} bought {c} {things} at one price.",
            "A {box} with {c} {things} weighs {a} grams. The empty {box} weighs {b} grams.",
            "A {worker} needs {a} {things} and has {b}. The rest comes in {boxes} of {c}.",
        ),
        ("How much is that for one [{thing}|]?", "How [many|much] is that for each?", "What number does that make?"),
    ),
)
