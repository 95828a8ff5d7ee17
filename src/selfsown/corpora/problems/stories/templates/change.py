"""One step: something is taken away or comes to it; the start, the change or the end is asked for."""

from __future__ import annotations

from selfsown.corpora.problems.stories.telling import Template

TAKEN = {"a": (8, 99), "b": (2, 60)}
ADDED = {"a": (3, 90), "b": (2, 60)}

TEMPLATES = (
    Template(
        "give",
        "- a b",
        TAKEN,
        (
            "{name} [has|had] {a} {things}. {He} [handed|gave|hands] {name2} {b} [of them|{things}|].",
            (
                "{name} [has|had] {a} {things} and [passes|gave|handed] {b} [of them |]on to [{name2}|a "
                "{friend}|{his} {friend}]."
            ),
            "{name} [gave|hands|gives] {b} of {his} {a} {things} to {name2}.",
            "There were {a} {things} in {name}'s {box}. {name2} [got|was given] {b} of [them|these].",
        ),
        (
            "How many {things} does {name} have [left|now|then|]?",
            "How many {things} [are left|remain|does {name} still have|has {name} left]?",
            "What number of {things} does {name} keep?",
        ),
    ),
    Template(
        "eat",
        "- a b",
        TAKEN,
        (
            "{name} [baked|bought|picked|made] {a} {foods}. {He} [ate|has eaten] {b} of them.",
            (
                "There [are|were] {a} {foods} [on the table|in the {box}|on a plate]. {name} [eats|ate] {b} [of "
                "them|{foods}|]."
            ),
            "{name} and {name2} ate {b} of the {a} {foods} in the {box}.",
            "A {box} of {a} {foods} stands in the kitchen, and {name} eats {b}.",
        ),
        (
            "How many {foods} are [left|still there|not eaten]?",
            "How many {foods} are left over?",
            "How many {foods} [remain|did nobody eat]?",
        ),
    ),
    Template(
        "break",
        "- a b",
        TAKEN,
        (
            "{name} [carries|carried|dropped] a {box} with {a} {things}. {b} of them [break|broke|fell out|got lost].",
            "Of {a} {things} {b} [are broken|were damaged|are missing].",
            "{b} of [the|{name}'s] {a} {things} [broke|were lost|were stolen] [on the way|during the trip|].",
            "{name} owned {a} {things} but [lost|broke|threw away] {b} [of them|].",
        ),
        (
            "How many {things} are [whole|fine|still there|left]?",
            "How many {things} [did not|are not gone, did not] [get lost|break]?",
            "How many good {things} are there [now|]?",
        ),
    ),
    Template(
        "sell",
        "- a b",
        {"a": (20, 400), "b": (5, 300)},
        (
            (
                "A {place} [has|had|starts the day with] {a} {things}. [It sells|It sold|The owner sold] {b} "
                "[of them|] [today|by noon|on {day}|]."
            ),
            "On {day} a {worker} brought {a} {things} to the {place} and sold {b} [of them|].",
            "The {place} sold {b} of its {a} {things}.",
            "{b} {things} were sold at the {place} out of {a} that stood there [in the morning|at first|].",
        ),
        (
            "How many {things} [are left|are unsold|were not sold|remain]?",
            "How many {things} does it have [left|] at the end?",
            "How many are still for sale?",
        ),
    ),
    Template(
        "leave",
        "- a b",
        {"a": (10, 120), "b": (2, 90)},
        (
            "{a} [people|passengers|children|students] are on a {vehicle}. {b} [of them|] [get off|leave|go home].",
            "There were {a} people in the {place}. [Then|At noon|After an hour] {b} [left|went home|walked out].",
            "A {vehicle} with {a} [people|passengers] stops [at a station|in town], and {b} people get out.",
            "{b} of the {a} guests left the {place} early.",
        ),
        (
            "How many [people |]are [still there|left|still on it|left inside]?",
            "How many [people |]stayed?",
            "How many [people |]remain?",
        ),
    ),
    Template(
        "fly",
        "- a b",
        TAKEN,
        (
            (
                "{a} {animals} [sit|sat|stood|rested] [on a fence|near the pond|under a tree|in a field]. {b} "
                "[of them|] [fly|run|went|hurried] away."
            ),
            "A {worker} [counted|kept] {a} {animals}, but {b} [escaped|ran away|were taken to the market].",
            "{b} of {a} {animals} in the field walked off.",
        ),
        (
            "How many {animals} [stay|stayed|are left|remain|are still there]?",
            "How many {animals} did not leave?",
        ),
    ),
    Template(
        "read",
        "- a b",
        {"a": (60, 500), "b": (10, 400)},
        (
            "{name}'s [book|novel] has {a} pages. {He} [has read|read] {b} [pages|of them] [so far|].",
            "{name} is reading a book that has {a} pages and is done with {b} [of them|pages].",
            "After {b} pages {name} puts down {his} book, which has {a} pages [in all|].",
        ),
        (
            "How many pages [are left|must {he} still read|remain|are left to read]?",
            "How many pages has {name} not read [yet|]?",
            "How many more pages must {name} read to finish it?",
        ),
    ),
    Template(
        "way to go",
        "- a b",
        {"a": (20, 600), "b": (5, 400)},
        (
            (
                "[The way|The road] from {name}'s house to the {place} is {a} {miles} long. {He} has "
                "[walked|gone|driven] {b} [of them|]."
            ),
            "{name} [drives|rides|travels] to a town {a} {miles} away and stops after {b}.",
            "A {vehicle} has gone {b} kilometres of a {a} {mile} [trip|journey].",
        ),
        (
            "How [far|much farther] [is it still|must {he} still go|is left]?",
            "How many are left to go?",
            "What distance [remains|is left]?",
        ),
        distracted=False,
    ),
    Template(
        "pour",
        "- a b",
        {"a": (5, 90), "b": (1, 60)},
        (
            (
                "A [tank|barrel|bottle|pot] holds {a} {litres} of [water|milk|juice|oil]. {name} [pours "
                "out|uses|takes] {b} [of them|]."
            ),
            "From a [tank|barrel] with {a} litres [of water|of oil|] {b} litres [leak|flow] out.",
            "{name} drank {b} of the {a} cups of [juice|tea] in the jug.",
        ),
        (
            "How [much|many litres] [is|are] left [in it|]?",
            "How much [remains|is still in it]?",
            "How much is there now?",
        ),
    ),
    Template(
        "cut off",
        "- a b",
        {"a": (20, 300), "b": (3, 200)},
        (
            "A [rope|ribbon|board|pipe] measures {a} {metres}. {name} cuts off {b} {metres} [of it|].",
            "{name} saws {b} cm off a board of {a} cm.",
            "From {a} metres of [cloth|wire|string] {name} [used|needs] {b} metres.",
        ),
        (
            "How long is [the rest|what is left|the other piece]?",
            "How much [of it|] is left?",
            "What length [remains|is left over]?",
        ),
    ),
    Template(
        "absent",
        "- a b",
        {"a": (12, 200), "b": (2, 90)},
        (
            (
                "There are {a} [pupils|students|players|members] in the [class|school|club|team]. [Today|On "
                "{day}] {b} [are ill|are absent|stayed at home|did not come]."
            ),
            "{b} of the {a} [pupils|students|workers] [are ill|did not come|missed the trip].",
            "A [school|club] invited {a} people and {b} could not come.",
        ),
        (
            "How many [came|are there|are present|did come]?",
            "How many are not [absent|missing]?",
        ),
    ),
    Template(
        "find",
        "+ a b",
        ADDED,
        (
            "{name} [has|had] {a} {things}. {He} [finds|found|buys|bought|gets|got|collected] {b} more [{things}|].",
            (
                "{name} [had|owned] {a} {things} and [then got|was given|received|won] {b} more [from "
                "{name2}|from a {friend}|]."
            ),
            (
                "{name2} [gives|gave|handed] {name} {b} {things}. {name} [already had|had before that|had at "
                "first] {a} [{things}|]."
            ),
            "In {name}'s {box} [are|were] {a} {things}, and {he} puts {b} more into it.",
        ),
        (
            "How many {things} does {name} have [now|then|in all|altogether|]?",
            "How many {things} are [there|in it] now?",
            "What is the number of {things} [now|that {name} has now]?",
        ),
    ),
    Template(
        "arrive",
        "+ a b",
        {"a": (4, 150), "b": (2, 90)},
        (
            (
                "{a} [people|children|guests|students] are [in|at] the {place}. [Then|Later|Soon] {b} more "
                "[come|arrive|join them]."
            ),
            "A {vehicle} starts with {a} passengers, and {b} [people|others] get on [at the next stop|later].",
            "{b} {animals} came to join {a} {animals} in the [field|barn|pond].",
            "The {place} had {a} visitors in the morning and {b} in the afternoon.",
        ),
        (
            "How many are there [now|then|in all|altogether]?",
            "How many [were|are] there [in total|together]?",
        ),
    ),
    Template(
        "two days",
        "+ a b",
        {"a": (5, 200), "b": (5, 200)},
        (
            "{name} [read|sold|picked|made|drew] {a} [pages|tickets|{foods}|cards] on {day} and {b} on {day2}.",
            "On {day} {name} [walked|ran|swam] {a} [minutes|laps|metres] and on {day2} {b}.",
            "A {worker} [planted|watered] {a} {plants} [yesterday|before lunch] and {b} [today|after lunch].",
        ),
        (
            "How many [was that|is that|were they] [together|in all|altogether|on both days]?",
            "What is the total [for both|of both|]?",
            "How many did {name} do in total?",
        ),
        distracted=False,
    ),
    Template(
        "before it was given",
        "+ a b",
        ADDED,
        (
            "{name} gave {b} {things} to {name2} and [has|had] {a} left.",
            "After {name} [ate|sold|gave away|lost] {b} {things}, {he} [has|had] {a} left.",
            "{name} [has|had] {a} {things} left after {he} [gave|sold] {b} [of them|] to {name2}.",
            "{b} {things} were [taken|removed] from a {box}. [Now|After that] there [are|were] {a} in it.",
        ),
        (
            "How many {things} [did {name} have|were there] [at first|before|in the beginning|at the start]?",
            "With how many {things} did it start?",
            "How many had there been?",
        ),
    ),
    Template(
        "before it grew",
        "- a b",
        {"a": (10, 99), "b": (2, 80)},
        (
            "{name} [bought|found|got|received] {b} {things} and now has {a} [of them|].",
            "[After|When] {name2} gave {him} {b} {things}, {name} had {a}.",
            "{name} has {a} {things} [now|today]. {b} of them were a gift from {name2}.",
            "A {place} had some {things}. [When|After] {b} more came, it had {a}.",
        ),
        (
            "How many {things} [did {name} have|were there] [before|at first|to begin with|until then]?",
            "How many {things} were there [before that|earlier]?",
        ),
    ),
    Template(
        "what went",
        "- a b",
        {"a": (10, 120), "b": (2, 100)},
        (
            "{name} had {a} {things} [and|, but] [now|today] {he} has [only|] {b}.",
            "There were {a} {foods} in the {box}. [Now|In the evening] there are {b} [left|].",
            "At first {a} [people|passengers] sat in the {vehicle}. After the stop {b} were left.",
        ),
        (
            "How many [are gone|were taken|went away|disappeared]?",
            "How many fewer are there now?",
        ),
    ),
    Template(
        "what is missing",
        "- a b",
        {"a": (12, 200), "b": (3, 180)},
        (
            "{name} wants to collect {a} {things}. {He} has {b} [already|so far|].",
            "A {box} has room for {a} {things}, and {b} are in it.",
            "{name} has {b} of the {a} {things} [that {he} needs|for the party|that are needed].",
            "To [win|fill a page] {name} needs {a} [points|{toys}]. So far {he} has {b}.",
        ),
        (
            "How many [more |]does {name} [still |]need?",
            "How many [more|others] are [missing|still needed]?",
            "How many must still be found?",
        ),
    ),
)
