//! What can go wrong, told apart.
