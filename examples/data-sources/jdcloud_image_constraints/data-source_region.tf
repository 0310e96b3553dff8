# Without ids: every image of the region that has a constraint.
data "jdcloud_image_constraints" "east" {
  region = "cn-east-2"
}

output "constrained_images" {
  value = data.jdcloud_image_constraints.east.image_constraints[*].image_id
}
