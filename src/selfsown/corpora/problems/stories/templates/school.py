"""Two steps at school, in clubs and in games."""

from __future__ import annotations

from selfsown.corpora.problems.stories.telling import Template

TEMPLATES = (
    Template(
        "handed out in class",
        "- * a b c",
        {"a": (3, 20), "b": (5, 30), "c": (2, 80)},
        (
            (
                "A teacher opened {a} {boxes} of {b} {things} and handed out {c}. How many {things} [did the "
                "teacher keep|were not handed out]?"
            ),
            (
                "{a} classes with {b} pupils [each|in each of them] were to visit the {place}, but {c} pupils "
                "were ill. How many pupils [came|took part]?"
            ),
            (
                "In a game of {a} rounds {name} scored {b} points in every round. For a mistake {he} lost {c}. "
                "What was {his} score [at the end|in the end]?"
            ),
            "A test has {a} parts with {b} tasks in each part. {name} did all but {c} tasks. How many did {he} do?",
        ),
    ),
    Template(
        "points over rounds",
        "+ * a b c",
        {"a": (2, 15), "b": (2, 25), "c": (2, 60)},
        (
            (
                "{name} got {b} points in each of {a} rounds and a bonus of {c} points. How many points did "
                "{he} get [in all|altogether]?"
            ),
            (
                "The school bought {a} sets of {b} {things}. It already had {c} {things}. How many {things} does "
                "the school have now?"
            ),
            (
                "In the hall stand {a} rows of {b} chairs, and {name} brings {c} chairs more. How many chairs are "
                "in the hall then?"
            ),
            (
                "To learn a song takes {name} {c} minutes, and {he} then sings it {a} times, {b} minutes each "
                "time. How many minutes is that in all?"
            ),
        ),
        distracted=False,
    ),
    Template(
        "boys and girls share",
        "/ a + b c",
        {"a": (20, 400), "b": (2, 15), "c": (2, 15)},
        (
            ("{b} boys and {c} girls share {a} {foods} equally. How many {foods} does each [child|of them] [get|eat]?"),
            (
                "A teacher has {a} {things} for {b} girls and {c} boys. Everybody gets the same number. How many "
                "{things} does everybody get?"
            ),
            (
                "{a} {dollars} were won by a group of {b} women and {c} men. They split the money evenly. What "
                "does each one receive?"
            ),
        ),
    ),
    Template(
        "fewer to share",
        "/ a - b c",
        {"a": (20, 400), "b": (5, 30), "c": (1, 20)},
        (
            (
                "{b} {friends} were invited, but {c} did not come. The others shared {a} {foods} equally. How "
                "many {foods} did each of them get?"
            ),
            (
                "In a class of {b} {c} are ill. {a} {things} are given to the other pupils, equally many to each. "
                "What number goes to one pupil?"
            ),
            (
                "Of {b} {boxes} {c} are broken. {name} puts {a} {things} into the good ones, equally many in each. "
                "How many {things} go into one {box}?"
            ),
        ),
    ),
    Template(
        "marks of two tests",
        "- + a b c",
        {"a": (10, 60), "b": (10, 60), "c": (5, 90)},
        (
            (
                "{name} got {a} points in one test and {b} in the other. {name2} got {c} points in both together. "
                "How many more did {name} get?"
            ),
            (
                "In one class are {a} pupils and in the next {b}. {c} of all these pupils [come by bike|wear "
                "glasses]. How many do not?"
            ),
            (
                "A club had {a} members. Over the year {b} joined and {c} left it. How many members does the club "
                "have now?"
            ),
            (
                "{name} learned {a} words on {day} and {b} on {day2}, but has forgotten {c} of them. How many words "
                "does {he} still know?"
            ),
        ),
    ),
    Template(
        "groups after some left",
        "/ - a b c",
        {"a": (20, 200), "b": (2, 80), "c": (2, 12)},
        (
            (
                "There were {a} pupils at the {place}. When {b} had gone home, the others made {c} equal teams. "
                "How many pupils were in [each team|a team]?"
            ),
            (
                "{name} printed {a} {things}, threw {b} bad ones away and laid the good ones in piles of {c}. How "
                "many piles [were there|did that make]?"
            ),
            (
                "A school has {a} {things}. {b} stay in the hall, and the rest is spread evenly over {c} rooms. "
                "How many {things} does each room get?"
            ),
        ),
    ),
    Template(
        "two classes in teams",
        "/ + a b c",
        {"a": (5, 90), "b": (5, 90), "c": (2, 12)},
        (
            (
                "Two classes, one of {a} pupils and one of {b}, are mixed, and {c} of all these "
                "pupils make a team. What number of teams does that give?"
            ),
            (
                "{name} brought {a} {things} and {name2} brought {b}. All of them were given out to {c} {friends}, "
                "the same number to each. How many did each get?"
            ),
            (
                "{a} adults and {b} children want to cross the river. A boat carries {c} people. How many trips "
                "must it make?"
            ),
        ),
        distracted=False,
    ),
    Template(
        "each pupil pays twice",
        "* a + b c",
        {"a": (3, 40), "b": (2, 30), "c": (2, 30)},
        (
            (
                "{a} pupils go on a trip. Each one pays {b} {dollars} for the bus and {c} {dollars} for food. How "
                "much do they pay [in all|together]?"
            ),
            ("Every one of {a} {friends} gets {b} {things} and {c} {things2}. How many things are given out in all?"),
            (
                "In each of {a} rooms are {b} old chairs and {c} new chairs. How many chairs are in all these "
                "rooms [together|]?"
            ),
            ("{name} does {b} sums in the morning and {c} in the evening. How many sums does {he} do in {a} days?"),
        ),
        distracted=False,
    ),
    Template(
        "each class without the absent",
        "* - b c a",
        {"a": (2, 15), "b": (10, 60), "c": (1, 30)},
        (
            (
                "There are {a} classes with {b} pupils in each. In every class {c} pupils are away. How many "
                "pupils are in school?"
            ),
            ("{name} gets {b} {dollars} a week and spends {c} of them. How much has {he} saved after {a} weeks?"),
            (
                "A {box} has room for {b} {things}, but {c} places in it are empty. How many {things} are in {a} "
                "such {boxes}?"
            ),
        ),
    ),
    Template(
        "score of two players",
        "+ a + a b",
        {"a": (2, 90), "b": (2, 50)},
        (
            "{name} scored {a} points. {name2} scored {b} points more. How many points did they score together?",
            (
                "In the first game there were {a} people, and in the second there were {b} more than in the first. "
                "How many people came to the two games?"
            ),
            ("{name} solved {a} tasks, which is {b} fewer than {name2} solved. How many tasks did they solve in all?"),
            "The school has {a} {things}, and {b} {things2} more than that. How many does it have of both?",
        ),
        distracted=False,
    ),
    Template(
        "score of the weaker player",
        "+ a - a b",
        {"a": (10, 120), "b": (2, 60)},
        (
            "{name} scored {a} points. {name2} scored {b} points fewer. How many points did they score together?",
            ("The older brother is {a} years old. The younger one is {b} years younger. How old are the two together?"),
            (
                "{name} jumped {a} times, which is {b} times more than {name2} jumped. How many jumps did the two "
                "make in all?"
            ),
        ),
        distracted=False,
    ),
    Template(
        "score of the better player",
        "+ a * a b",
        {"a": (2, 60), "b": (3, 9)},
        (
            "{name} solved {a} tasks. {name2} solved {b} times as many. How many tasks did the two solve together?",
            ("A short rope has {a} {metres}, and a long one has {b} times that. What length do they have together?"),
            (
                "On {day} {a} people came to the school play, and on {day2} {b} times as many. How many people "
                "came on both days?"
            ),
        ),
        distracted=False,
    ),
    Template(
        "tasks to go",
        "- a * b c",
        {"a": (40, 500), "b": (2, 15), "c": (2, 30)},
        (
            (
                "{name} wants to learn {a} words and learns {c} every evening. How many words are still to learn after "
                "{b} evenings?"
            ),
            (
                "For the feast {a} chairs are needed. There are {b} rooms with {c} chairs in each. How many chairs "
                "are missing?"
            ),
            (
                "The teacher had {a} {things} and gave {c} to each of {b} pupils. How many {things} did the teacher "
                "have then?"
            ),
            (
                "{name} has {a} {dollars}. {He} buys {b} {things} at {c} {dollars} each. How much money does {he} "
                "have after that?"
            ),
        ),
    ),
    Template(
        "rooms, rows and chairs",
        "* * a b c",
        {"a": (2, 12), "b": (2, 12), "c": (2, 15)},
        (
            "A school has {a} floors with {b} rooms each, and every room has {c} chairs. How many chairs are there?",
            ("{a} teams of {b} players take part, and each player gets {c} {foods}. How many {foods} are needed?"),
            ("{name} practises {c} minutes, {b} times a week. How many minutes does {he} practise in {a} weeks?"),
        ),
        distracted=False,
    ),
)
