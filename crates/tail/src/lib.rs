//! Follows files that grow, rotate, shrink and vanish, and loses no line of them.
