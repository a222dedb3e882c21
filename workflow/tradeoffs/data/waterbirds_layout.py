"""What is published of Waterbirds (Sagawa et al., ICLR 2020): its folder, its table, the sizes of its groups."""

FOLDER = "waterbird_complete95_forest2water2"
COLUMNS = ("img_id", "img_filename", "y", "split", "place", "place_filename")  # of FOLDER/metadata.csv
# Images of landbirds on land, on water, of waterbirds on land, on water: in train, val and test.
GROUPS = ((3498, 184, 56, 1057), (467, 466, 133, 133), (2255, 2255, 642, 642))
