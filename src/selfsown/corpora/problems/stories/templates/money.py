"""Money, one step or two: what is paid, what comes back, what is saved."""

from __future__ import annotations

from selfsown.corpora.problems.stories.telling import Template

TEMPLATES = (
    Template(
        "spend",
        "- a b",
        {"a": (10, 300), "b": (2, 250)},
        (
            "{name} [has|had] [${a}|{a} {dollars}]. {He} [spends|spent|pays] {b} on {things}.",
            (
                "{name} [buys|bought] a {thing} for [${b}|{b} {dollars}]. {He} had [${a}|{a} {dollars}] [with "
                "him|before|]."
            ),
            "From {his} {a} {dollars} {name} pays {b} [for a ticket|for lunch|to {name2}].",
        ),
        (
            "How much [money |][does {he} have|is|has {he}] [left|now]?",
            "What is left of the money?",
            "How much remains [to {him}|]?",
        ),
    ),
    Template(
        "change from a note",
        "- a b",
        {"a": (10, 100, 10), "b": (2, 90)},
        (
            "{name} pays for a {thing} of {b} {dollars} with a {a} {dollar} [note|bill].",
            "A {thing} costs [${b}|{b} {dollars}]. {name} [gives|hands over] [${a}|{a} {dollars}].",
            "With a {a} {dollar} note {name} pays {b} {dollars} [at|in] the {place}.",
        ),
        ("How much [change does {he} get|does {he} get back|comes back]?", "What is the change?"),
    ),
    Template(
        "change with cents",
        "- a b",
        {"a": (5, 50, 5), "b": (0.5, 40.75, 0.25)},
        (
            "{name} pays with ${a} for {foods} that cost ${b}.",
            "The bill is ${b}, and {name} puts down ${a}.",
        ),
        ("How much does {he} get back?", "What change is due?"),
    ),
    Template(
        "two prices",
        "+ a b",
        {"a": (2, 200), "b": (2, 150)},
        (
            "{name} buys a {thing} for [${a}|{a} {dollars}] and a {thing2} for [${b}|{b}].",
            "A {thing} costs {a} {dollars}, a {thing2} {b}. {name} takes both.",
            "{name} [paid|spent] {a} {dollars} on {things} and {b} on {things2}.",
        ),
        (
            "How much [does {he} pay|is that|did {he} spend] [in all|altogether|in total]?",
            "What do they cost together?",
            "What is the sum?",
        ),
    ),
    Template(
        "two prices with cents",
        "+ a b",
        {"a": (0.5, 20, 0.25), "b": (0.5, 15, 0.25)},
        (
            "A {thing} costs ${a} and a {thing2} costs ${b}.",
            "{name} pays ${a} for {foods} and ${b} for {foods2}.",
        ),
        ("What do both cost?", "How much is it together?"),
    ),
    Template(
        "save",
        "+ a b",
        {"a": (5, 300), "b": (2, 200)},
        (
            "{name} has [saved |]{a} {dollars} and [earns|gets|adds] {b} more.",
            "{name} gets {b} {dollars} from {name2}. {He} had {a} before.",
            "There are {a} coins in {name}'s {box}, and {he} puts in {b} more.",
        ),
        ("How much [has {he}|does {he} have|is there] [now|then|]?", "How much [money |]is it [now|in all]?"),
    ),
    Template(
        "still to save",
        "- a b",
        {"a": (20, 500), "b": (5, 400)},
        (
            "A {thing} costs [${a}|{a} {dollars}]. {name} has [only|saved|] {b}.",
            "{name} has {b} {dollars} and wants [to buy|] a {thing} that costs {a}.",
            "{name} is saving for a trip of {a} {dollars}. {b} {dollars} are in the {box}.",
        ),
        (
            "How much [more |]does {he} [need|lack]?",
            "How much is [missing|still needed]?",
            "How many more must {he} save?",
        ),
    ),
    Template(
        "price rises",
        "+ a b",
        {"a": (2, 300), "b": (1, 60)},
        (
            "A {thing} cost {a} {dollars}. The price [rose|went up] by {b}.",
            "The {place} raised its price by {b} {dollars}. Until then it was {a}.",
            "{name} bought a {thing} for {a} {dollars} and sold it for {b} {dollars} more.",
        ),
        ("What is the [new|second] price?", "What does it cost [now|then]?", "How much was that?"),
    ),
    Template(
        "price falls",
        "- a b",
        {"a": (10, 300), "b": (1, 90)},
        (
            "A {thing} cost {a} {dollars}. It is {b} {dollars} cheaper now.",
            "There are {b} {dollars} off [the price of|] a {thing} of {a} {dollars}.",
            "The {place} sells a {thing} for {b} less than the usual {a} {dollars}.",
        ),
        ("What [does it cost|is its price] [now|]?", "How much must be paid?"),
    ),
    Template(
        "profit",
        "- a b",
        {"a": (10, 400), "b": (2, 300)},
        (
            "{name} bought a {thing} for {b} {dollars} and sold it for {a} [dollars|].",
            "{name} sold {things} for {a} {dollars}. {b} {dollars} went into making them.",
            "A {worker} takes in {a} {dollars} and has costs of {b} {dollars}.",
        ),
        ("How large is the [profit|gain]?", "How much did {he} [earn|gain]?", "How much was made [on it|]?"),
    ),
    Template(
        "wage",
        "* a b",
        {"a": (5, 60), "b": (2, 40)},
        (
            "A {worker} [gets|makes] [${a}|{a} {dollars}] [an|per|each] hour and works {b} hours.",
            "{name} gets {a} {dollars} for each {thing} and [makes|sells|repairs] {b}.",
            "{name} works {b} hours [a week|]. {He} is paid {a} {dollars} an hour.",
        ),
        ("How much [does {he} earn|is {he} paid|is that] [in all|]?", "What are the wages?", "How much money is that?"),
    ),
    Template(
        "wage of an hour",
        "/ a b",
        {"a": (20, 600), "b": (2, 40)},
        (
            "{name} earned {a} {dollars} in {b} hours.",
            "A {worker} was paid {a} {dollars} for {b} hours.",
            "For {b} days of work {name} gets {a} {dollars}.",
        ),
        (
            "How much [is|was] that [an|per] hour?",
            "How much did {he} [get|earn] for each?",
            "How high is the pay for one?",
        ),
    ),
    Template(
        "change from several",
        "- c * a b",
        {"a": (2, 9), "b": (2, 15), "c": (20, 200, 10)},
        (
            "{name} buys {a} {things} at [${b}|{b} {dollars}] each [and pays with|. {He} pays with] [${c}|{c}].",
            "{name} has [${c}|{c} {dollars}] and buys {a} {things} for {b} {dollars} each.",
            "A {thing} costs {b} {dollars}. {name} takes {a} and gives the [seller|{worker}] {c}.",
            "With {c} {dollars} in {his} pocket, {name} pays for {a} tickets that cost {b} each.",
        ),
        (
            "How much [does {he} get back|change does {he} get|is left|does {he} have left]?",
            "What is left?",
            "How much money does {he} still have?",
        ),
    ),
    Template(
        "several and one",
        "+ * a b c",
        {"a": (2, 12), "b": (2, 30), "c": (2, 90)},
        (
            "{name} buys {a} {things} for {b} {dollars} each and a {thing2} for {c}.",
            "A {thing} costs {b} {dollars}. {name} buys {a} of them and also a {thing2} for {c} {dollars}.",
            (
                "{name} pays {b} {dollars} [an|per] hour for {a} hours [with a boat|with a bike|of skating], "
                "and {c} {dollars} [for the way|for food] ."
            ),
        ),
        (
            "How much [is that|does {he} pay|does {he} spend] [in all|altogether|]?",
            "How high is the [total|whole] cost?",
            "What does it all cost?",
        ),
    ),
    Template(
        "fee first",
        "+ c * a b",
        {"a": (2, 12), "b": (2, 30), "c": (2, 90)},
        (
            "A taxi takes {c} {dollars} at the start and {b} {dollars} for each mile. {name} rides {a} miles.",
            (
                "The {place} asks for {c} {dollars} once, and then {b} {dollars} a month. {name} is a member "
                "for {a} months."
            ),
            "{name} has {c} {dollars} [already|saved] and saves {b} {dollars} [a week|each week] for {a} weeks.",
            "{name} had {c} {dollars}. {He} washed {a} cars and got {b} {dollars} for each.",
        ),
        (
            "How much [is that|is it] [in all|altogether|then]?",
            "What is the total?",
            "How many does that make [in all|]?",
        ),
    ),
    Template(
        "both from a note",
        "- c + a b",
        {"a": (2, 40), "b": (2, 40), "c": (20, 200, 5)},
        (
            "{name} has [${c}|{c} {dollars}]. {He} buys a {thing} for [${a}|{a}] and a {thing2} for [${b}|{b}].",
            "A {thing} costs {a} {dollars}, a {thing2} {b}. {name} pays with {c} {dollars}.",
            (
                "{name} spent {a} {dollars} on {foods} and {b} {dollars} on {things2}. {He} had {c} {dollars} "
                "[before|at first]."
            ),
        ),
        (
            "How much [does {he} have|is|has {he}] left?",
            "How much [change|money] [is that|does {he} get back|remains]?",
        ),
    ),
    Template(
        "weeks to save",
        "/ - a b c",
        {"a": (30, 400), "b": (5, 200), "c": (2, 30)},
        (
            "A {thing} costs {a} {dollars}. {name} has {b} and saves {c} a week.",
            "{name} has {b} {dollars} and wants a {thing} for {a}. [Each|Every] week {he} puts {c} {dollars} aside.",
        ),
        ("How many weeks [does it take|must {he} save]?", "After how many weeks can {he} buy it?"),
        distracted=False,
    ),
    Template(
        "percent of",
        "/ * a b 100",
        {"a": (5, 90, 5), "b": (20, 400, 20)},
        (
            "{a}% of the {b} [people|pupils|workers] [in|at] the {place} are {friends}.",
            "{name} has {b} {things}. {a} percent of them are [red|new|broken].",
            "Of {b} {things} {a}% are [sold|wet|blue].",
        ),
        ("How many [are|is] that?", "How many are [they|these]?", "What number is that?"),
    ),
    Template(
        "percent off",
        "/ * a b 100",
        {"a": (5, 75, 5), "b": (20, 400, 20)},
        (
            "A {thing} costs {b} {dollars}. There are {a}% off.",
            "The {place} takes {a} percent off a {thing} of {b} {dollars}.",
        ),
        ("How much is [saved|taken off]?", "How many {dollars} cheaper is it?"),
    ),
)
