/// What a turn writes most of is kept where it costs least: frames in a file of their own, ids beside their neighbours.
extension Schema {
    static var twelfth: String {
        """
        -- Where a frame's bytes are in the file beside this one; `bytes` proves them then. Null where it holds them.
        ALTER TABLE outbox ADD COLUMN place INTEGER CHECK (place >= 0);
        ALTER TABLE outbox ADD COLUMN size INTEGER CHECK (size >= 0 AND (size IS NULL) = (place IS NULL));

        -- From this day on ids are noted under keys that bring neighbours together; before it perhaps under former ones.
        -- 0 where none of those is left, null in rows of earlier versions.
        ALTER TABLE meta ADD COLUMN keyed_since INTEGER CHECK (keyed_since >= 0);
        """
    }
}
