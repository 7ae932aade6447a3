//! SOCme's query language: text in, typed tree out, a tokeniser and a matcher.
