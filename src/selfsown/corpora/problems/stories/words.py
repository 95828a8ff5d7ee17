"""The names and things that stories are told of."""

from __future__ import annotations

HE = (
    "Adam", "Ali", "Ben", "Bruno", "Carlos", "Daniel", "David", "Emil", "Felix", "Finn", "George", "Hugo", "Ivan",
    "Jack",
    "James", "Jonas", "Karim", "Leo", "Liam", "Lucas", "Marco", "Mark", "Max", "Nils", "Noah", "Omar", "Oscar", "Paul",
    "Pedro", "Peter", "Raj", "Robert", "Sam", "Simon", "Tom", "Victor", "Will", "Yusuf",
)  # fmt: skip
SHE = (
    "Aisha", "Alice", "Amy", "Anna", "Bella", "Carla", "Clara", "Diana", "Elena", "Ella", "Emma", "Eva", "Fatima",
    "Grace",
    "Hana", "Ines", "Jane", "Julia", "Kate", "Laura", "Lena", "Lily", "Lucy", "Maria", "Maya", "Mei", "Mia", "Nina",
    "Nora", "Olga", "Petra", "Priya", "Rosa", "Ruth", "Sara", "Sofia", "Tina", "Vera", "Zoe",
)  # fmt: skip

ROLES = (
    "baker", "boy", "carpenter", "coach", "cook", "driver", "farmer", "gardener", "girl", "hunter", "man", "nurse",
    "painter", "runner", "sailor", "shopkeeper", "student", "tailor", "teacher", "woman", "worker",
)  # fmt: skip
"""Who may stand in the place of a person with a name."""

SHE_ALONE = ("girl", "woman")
HE_ALONE = ("boy", "man")

_FOOD = (
    "apple banana biscuit bun cake candy/candies carrot cherry/cherries chocolate cookie cracker cupcake egg fig grape "
    "lemon mango muffin nut olive onion orange pancake peach/peaches pear pepper pie plum potato/potatoes pretzel "
    "sandwich/sandwiches strawberry/strawberries sweet tomato/tomatoes"
)
_TOY = (
    "ball balloon bead block card coin comic crayon doll kite marble marker puzzle sticker stamp shell toy/toys badge "
    "game magnet poster"
)
_SUPPLY = (
    "book brush/brushes button candle chair cup envelope eraser flag folder hat lamp letter magazine mug napkin "
    "notebook pen pencil photo plate ribbon ruler scarf/scarves shirt sock spoon ticket towel"
)
_ANIMAL = (
    "bird bee cat chicken cow dog duck fish/fish frog goat goose/geese hen horse lamb penguin pig rabbit sheep/sheep"
)
_PLANT = "bush/bushes flower herb lily/lilies oak pine plant rose seedling tree tulip vine"

NOUNS = {
    "food": _FOOD,
    "toy": _TOY,
    "thing": f"{_FOOD} {_TOY} {_SUPPLY}",
    "animal": _ANIMAL,
    "plant": _PLANT,
    "box": "bag basket bowl box/boxes bucket carton case crate drawer jar pack packet shelf/shelves tin tray",
    "friend": "brother child/children classmate cousin friend girl boy guest neighbour niece pupil sister student",
    "worker": "baker builder cook driver farmer gardener helper nurse painter teacher volunteer worker",
    "place": "bakery/bakeries cafe farm garden hall hotel library/libraries market museum park school shop station zoo",
    "vehicle": "boat bus/buses car coach/coaches ferry/ferries lorry/lorries train truck van",
    "metre": "centimetre foot/feet inch/inches metre yard",
    "mile": "kilometre kilometre mile mile block",
    "gram": "gram kilogram kilo pound ton",
    "litre": "cup gallon litre litre pint",
    "dollar": "dollar dollar dollar euro euro cent coin pound",
    "day": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
}
"""By kind: singular, and the plural where it is not the singular with an s. What is drawn more often stands twice."""
