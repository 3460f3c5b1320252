-- What was said of a pair, by whom and when: for undoing, which has to know of later statements.
create index assertion_a on assertion (a);
create index assertion_b on assertion (b);
