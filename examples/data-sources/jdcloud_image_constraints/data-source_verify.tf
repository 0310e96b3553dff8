variable "image_ids" {
  type    = set(string)
  default = ["img-ubuntu2204", "img-private"]
}

# For images of any source: the plan fails for a misspelt or delisted ID, and private images pass.
data "jdcloud_image_constraints" "servers" {
  ids        = var.image_ids
  on_missing = "verify"
}
