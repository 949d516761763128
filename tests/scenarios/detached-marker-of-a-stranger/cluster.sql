CREATE ROLE stranger_owner
CREATE ROLE stranger_herself
