"""Made-up parties: test persons (60 is added to the day of birth) and companies whose numbers pass the check digit."""

from dataclasses import dataclass
from datetime import date
from random import Random

CVR_WEIGHTS = (2, 7, 6, 5, 4, 3, 2, 1)


@dataclass(frozen=True)
class Person:
    cpr: str
    birth_year: int

    @property
    def key(self) -> str:
        return self.cpr

    @property
    def party(self) -> dict:
        return {"cpr": self.cpr}


@dataclass(frozen=True)
class Company:
    cvr: str

    @property
    def key(self) -> str:
        return self.cvr

    @property
    def party(self) -> dict:
        return {"cvr": self.cvr}


def cvr_passes(digits: str) -> bool:
    return len(digits) == 8 and sum(w * int(d) for w, d in zip(CVR_WEIGHTS, digits)) % 11 == 0


def example_cvr(number: int) -> str:
    """The number-th example company number, counted from 99000000, a range that is not in use."""
    candidate = 99_000_000
    while True:
        if cvr_passes(str(candidate)):
            if number == 0:
                return str(candidate)
            number -= 1
        candidate += 1


class People:
    """Hands out test persons, each number once."""

    def __init__(self, seed: int, today: date):
        self._random = Random(seed)
        self._today = today
        self._used: set[str] = set()

    def _person(self, birth_year: int) -> Person:
        while True:
            day = 60 + self._random.randint(1, 28)
            month = self._random.randint(1, 12)
            # The seventh digit tells the century: 0-3 the 1900s; 4 the 2000s to 2036, 5 the 2000s to 2057.
            if birth_year < 2000:
                century = self._random.randint(0, 3)
            else:
                century = 4 if birth_year <= 2036 else 5
            serial = self._random.randint(0, 999)
            cpr = f"{day:02d}{month:02d}{birth_year % 100:02d}{century}{serial:03d}"
            if cpr not in self._used:
                self._used.add(cpr)
                return Person(cpr, birth_year)

    def elder(self) -> Person:
        return self._person(self._random.randint(self._today.year - 96, self._today.year - 70))

    def adult(self) -> Person:
        return self._person(self._random.randint(self._today.year - 64, self._today.year - 24))

    def of_age(self, years: int) -> Person:
        """Someone who turned `years` last year, so that no birthday decides anything today."""
        return self._person(self._today.year - years - 1)

    def __len__(self) -> int:
        return len(self._used)
