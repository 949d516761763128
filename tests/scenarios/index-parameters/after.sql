ALTER INDEX t_mar_v_idx SET (fillfactor = 70);
ALTER INDEX t_apr_w_idx SET (fillfactor = 50);
ALTER INDEX t_mar_id_v_idx RESET (fillfactor, deduplicate_items);
