DROP INDEX t_mar_v_idx_ccnew, t_mar_v_idx_ccold1, t_apr_v_idx_ccnew;
