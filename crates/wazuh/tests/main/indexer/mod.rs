//! The indexer: the same stories with the imitation and with a real OpenSearch, and what only the imitation can be told to do.

mod absent;
mod alike;
mod ground;
mod misbehaving;
mod stories;
mod tail;
mod times;
mod trust;

use ground::Ground;

/// Each story is a test with the imitation; and all are told once more, one after another, with OpenSearch: a node of it is too
/// large for one each.
macro_rules! with_both {
    ($($story:ident)*) => {
        $(
            #[tokio::test]
            async fn $story() {
                stories::$story(&Ground::imitation().await).await;
            }
        )*

        #[tokio::test(flavor = "multi_thread")]
        async fn opensearch_itself_does_as_the_imitation_does() {
            let Some(ground) = Ground::opensearch().await else { return };
            $(
                eprintln!("{}", stringify!($story));
                ground.clear().await;
                stories::$story(&ground).await;
            )*
            // What only it can do, and what both are asked in the same words.
            ground.clear().await;
            stories::shards_that_are_not_there_are_an_error_and_no_shorter_list(&ground).await;
            ground.clear().await;
            alike::both_answer_alike(&ground).await;
        }
    };
}

with_both! {
    each_document_is_given_once_and_in_order
    more_than_ten_thousand_documents_are_read
    a_point_in_time_shows_what_was_there_and_is_closed
    a_point_in_time_that_is_gone_is_opened_again
    an_index_that_is_deleted_meanwhile_ends_nothing
    where_nothing_is_nothing_is_found
    an_index_without_a_mapping_disturbs_nobody
    a_filter_takes_values_for_values
    documents_are_counted_by_hour_and_by_value
    a_page_that_is_too_large_comes_in_pieces_and_a_document_that_is_names_itself
    vulnerabilities_are_found_by_host_and_by_cve
    the_inventory_is_searched_over_all_hosts
    a_query_that_is_none_is_refused_with_the_reason
    it_says_what_it_is
    late_documents_are_found_by_a_tail
    documents_that_lack_what_they_are_sorted_by_are_given_once
}
