"""What the tests of this pipeline's training share."""

from tests.plainly import plainly as plainly
